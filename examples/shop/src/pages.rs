//! The shop's pages. Each carries the script tag and nothing else of Tributary's.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::{App, Shop};

/// A plan, with the ids it has at Polar.
pub(crate) struct Plan {
    pub slug: &'static str,
    pub product_id: &'static str,
    pub name: &'static str,
    pub price: &'static str,
    pub per: &'static str,
    pub text: &'static str,
}

/// What is for sale; the ids are those of the stand-in's catalogue.
pub(crate) const PLANS: [Plan; 5] = [
    Plan {
        slug: "monthly",
        product_id: "1f0a77d2-0000-4000-8000-000000000001",
        name: "Pro, monthly",
        price: "$19",
        per: "a month",
        text: "Every notebook on every device.",
    },
    Plan {
        slug: "yearly",
        product_id: "1f0a77d2-0000-4000-8000-000000000002",
        name: "Pro, yearly",
        price: "$190",
        per: "a year",
        text: "Two months on us.",
    },
    Plan {
        slug: "lifetime",
        product_id: "1f0a77d2-0000-4000-8000-000000000003",
        name: "Lifetime",
        price: "$149",
        per: "once",
        text: "Pay once, keep it.",
    },
    Plan {
        slug: "templates",
        product_id: "1f0a77d2-0000-4000-8000-000000000004",
        name: "Template pack",
        price: "€29",
        per: "once",
        text: "Forty notebooks to start from.",
    },
    Plan {
        slug: "trial",
        product_id: "1f0a77d2-0000-4000-8000-000000000005",
        name: "Pro, with trial",
        price: "$19",
        per: "a month",
        text: "Fourteen days free first.",
    },
];

/// An article of the blog.
pub(crate) struct Post {
    slug: &'static str,
    title: &'static str,
    lead: &'static str,
    paragraphs: &'static [&'static str],
}

const POSTS: [Post; 2] = [
    Post {
        slug: "a-quieter-inbox",
        title: "A quieter inbox, one note at a time",
        lead: "Most of what lands in an inbox is a note to yourself in disguise.",
        paragraphs: &[
            "Write down the thing you wanted to remember, then archive the message. What is left is mail.",
            "We kept this up for a month. The inbox shrank to a screen; the notebook grew by nine pages, all of \
             them read again.",
        ],
    },
    Post {
        slug: "notes-that-last",
        title: "Notes that last longer than the app",
        lead: "Plain files outlive products. Ours included.",
        paragraphs: &[
            "Every notebook is a folder of text. Sync is a convenience on top, and leaving is copying a folder.",
            "If we do our work well you will not want to leave; if we do not, you can.",
        ],
    },
];

/// A way to arrive, for trying out channels by a click.
pub(crate) struct Arrival {
    name: &'static str,
    text: &'static str,
    to: &'static str,
}

const ARRIVALS: [Arrival; 7] = [
    Arrival {
        name: "The newsletter",
        text: "utm_source=newsletter, utm_medium=email",
        to: "/blog/a-quieter-inbox?utm_source=newsletter&utm_medium=email&utm_campaign=november",
    },
    Arrival {
        name: "A Google ad",
        text: "gclid, as ads add it",
        to: "/pricing?gclid=demo-click-1&utm_campaign=brand",
    },
    Arrival {
        name: "A search result",
        text: "utm_source=google, utm_medium=organic: stands in for a referrer this machine cannot send",
        to: "/?utm_source=google&utm_medium=organic",
    },
    Arrival { name: "A partner", text: "ref=jane", to: "/?ref=jane" },
    Arrival {
        name: "A post on a social network",
        text: "utm_source=mastodon, utm_medium=social",
        to: "/blog/notes-that-last?utm_source=mastodon&utm_medium=social",
    },
    Arrival {
        name: "A podcast",
        text: "utm_source=slow-software, utm_medium=podcast",
        to: "/pricing?utm_source=slow-software&utm_medium=podcast&utm_campaign=episode-12",
    },
    Arrival { name: "Typed in by hand", text: "no parameters: direct", to: "/" },
];

/// What every page needs for its frame.
struct Frame {
    collector: String,
    workspace: String,
    checkout_host: String,
}

fn frame(shop: &Shop) -> Frame {
    let host = url::Url::parse(&shop.options.polar_url).ok().and_then(|url| {
        let host = url.host_str()?.to_owned();
        Some(url.port().map_or(host.clone(), |port| format!("{host}:{port}")))
    });
    Frame {
        collector: shop.options.collector_url.trim_end_matches('/').to_owned(),
        workspace: shop.options.workspace.clone(),
        checkout_host: host.unwrap_or_default(),
    }
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    posts: &'static [Post],
}

#[derive(Template)]
#[template(path = "pricing.html")]
struct Pricing {
    frame: Frame,
    polar: String,
    plans: &'static [Plan],
}

#[derive(Template)]
#[template(path = "post.html")]
struct Article {
    frame: Frame,
    post: &'static Post,
}

#[derive(Template)]
#[template(path = "from.html")]
struct From {
    arrivals: &'static [Arrival],
}

#[derive(Template)]
#[template(path = "thanks.html")]
struct Thanks {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "app.html")]
struct AppPage {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "missing.html")]
struct Missing {
    frame: Frame,
}

fn html(page: &impl Template) -> Response {
    page.render().map(Html).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

pub(crate) async fn home(app: App) -> Response {
    html(&Home { frame: frame(&app), posts: &POSTS })
}

pub(crate) async fn pricing(app: App) -> Response {
    let polar = app.options.polar_url.trim_end_matches('/').to_owned();
    html(&Pricing { frame: frame(&app), polar, plans: &PLANS })
}

pub(crate) async fn post(app: App, Path(slug): Path<String>) -> Response {
    match POSTS.iter().find(|post| post.slug == slug) {
        Some(post) => html(&Article { frame: frame(&app), post }),
        None => missing(app).await,
    }
}

/// "Pretend I came from…".
pub(crate) async fn from() -> Response {
    html(&From { arrivals: &ARRIVALS })
}

pub(crate) async fn thanks(app: App) -> Response {
    html(&Thanks { frame: frame(&app) })
}

/// One page for every address below it: the browser changes the address.
pub(crate) async fn app(app: App) -> Response {
    html(&AppPage { frame: frame(&app) })
}

pub(crate) async fn missing(app: App) -> Response {
    (StatusCode::NOT_FOUND, html(&Missing { frame: frame(&app) })).into_response()
}
