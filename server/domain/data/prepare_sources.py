#!/usr/bin/env python3
"""Writes sources.csv from the reference list of hosts and app ids, and spam-referrers.txt beside it.

    python3 prepare_sources.py <folder with channel-sources.csv and matomo-referrer-spammers.txt>

Names become the short lower-case ones that reports show (`Product Hunt` is `producthunt`), sections of one
engine become the engine (`Google Images` is `google`), and rows that would mislead are left out, each with its
reason below. The output is committed; this script runs only when the lists are brought up to date.
"""

import csv
import pathlib
import sys

# Sections that a merchant does not tell apart from their engine.
ENGINE_OF_SECTION = {
    "Google Custom Search": "google",
    "Google Images": "google",
    "Google syndicated search": "google",
    "Google Translations": "google",
    "Google Video": "google",
    "La Toile Du Québec (Google)": "google",
    "Startpagina (Google)": "google",
    "Compuserve.com (Enhanced by Google)": "google",
    "Google%2B": "googleplus",
    "Bing Images": "bing",
    "Yahoo! Images": "yahoo",
    "Yahoo! Directory": "yahoo",
    "Yahoo! Japan Images": "yahoojapan",
    "Yahoo! Japan Videos": "yahoojapan",
    "Yandex Images": "yandex",
    "Ozone": "qzone",
    "Chat+": "chatplus",
}

# Hosts that are far more than what the lists say, or that can no longer send anybody.
LEFT_OUT = {
    "www.cnn.com": "a newspaper, not Google",
    "msnbc.msn.com": "a newspaper, not Bing",
    "login.live.com": "a login, in ignored-referrers.csv",
    "url.google.com": "a redirect of every Google product",
    "translate.google.com": "a page shown through a translator, in ignored-referrers.csv",
    "webcache.googleusercontent.com": "a page shown from a cache, in ignored-referrers.csv",
    "android-app//com.google.android.googlequicksearchbox/https/www.google.com": "the app id has its own row",
}

# A tag (`utm_source=`) may name a source, unless its name is an everyday word that merchants use as their own
# label. Search engines other than these are too obscure to be meant by name.
ENGINES_BY_NAME = set(
    "360search aol baidu bing brave daum dogpile duckduckgo ecosia google googlemaps googlenews kagi metager mojeek"
    " naver presearch qwant rambler seznam sogou startpage swisscows yahoo yahoojapan yandex".split()
)
EVERYDAY_WORDS = set("dev gree hey kit line liner multiply pi shop tagged target you".split())

# Ties between the reference lists: the first category in this list wins.
PRECEDENCE = ["ai", "email", "shopping", "video", "social", "search"]

# Authored here: apps by their id (Android package, or the number in an App Store address), sites and ad
# networks the lists do not have.
AUTHORED = [
    ("284815942", "google", "search"),
    ("284882215", "facebook", "social"),
    ("288429040", "linkedin", "social"),
    ("310633997", "whatsapp", "social"),
    ("333903271", "x", "social"),
    ("389801252", "instagram", "social"),
    ("422689480", "gmail", "email"),
    ("429047995", "pinterest", "social"),
    ("447188370", "snapchat", "social"),
    ("544007664", "youtube", "video"),
    ("686449807", "telegram", "social"),
    ("835599320", "tiktok", "social"),
    ("985746746", "discord", "social"),
    ("1064216828", "reddit", "social"),
    ("6448311069", "chatgpt", "ai"),
    ("com.discord", "discord", "social"),
    ("com.facebook.katana", "facebook", "social"),
    ("com.facebook.lite", "facebook", "social"),
    ("com.facebook.orca", "facebook", "social"),
    ("com.instagram.android", "instagram", "social"),
    ("com.instagram.barcelona", "threads", "social"),
    ("com.microsoft.bing", "bing", "search"),
    ("com.microsoft.copilot", "copilot", "ai"),
    ("com.pinterest", "pinterest", "social"),
    ("com.ss.android.ugc.trill", "tiktok", "social"),
    ("com.tumblr", "tumblr", "social"),
    ("com.whatsapp", "whatsapp", "social"),
    ("com.duckduckgo.mobile.android", "duckduckgo", "search"),
    ("org.thunderdog.challegram", "telegram", "social"),
    ("ai.x.grok", "grok", "ai"),
    ("com.deepseek.chat", "deepseek", "ai"),
    ("campaign-archive.com", "mailchimp", "email"),
    ("outlook.com", "outlook", "email"),
    ("outlook.cloud.microsoft", "outlook", "email"),
    ("mail.google.{}", "gmail", "email"),
    ("m365.cloud.microsoft", "copilot", "ai"),
    ("messenger.com", "facebook", "social"),
    ("spotify.com", "spotify", "audio"),
    ("podcasts.apple.com", "applepodcasts", "audio"),
    ("doubleclick.net", "google", "display"),
    ("googlesyndication.com", "google", "display"),
    ("googleadservices.com", "google", "display"),
    ("taboola.com", "taboola", "native"),
    ("outbrain.com", "outbrain", "native"),
]


def short_name(name):
    if name in ENGINE_OF_SECTION:
        return ENGINE_OF_SECTION[name]
    return "".join(c for c in name.lower() if c.isalnum() or c == ".").rstrip(".")


def may_be_a_tag(name, category):
    return name in ENGINES_BY_NAME if category == "search" else name not in EVERYDAY_WORDS


def main(reference):
    rows = {}
    with open(reference / "channel-sources.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            host = row["host_pattern"].strip().lower().rstrip("/")
            if host in LEFT_OUT:
                continue
            host = host.removeprefix("www.")
            new = (short_name(row["name"]), row["category"])
            old = rows.get(host)
            if old is None or PRECEDENCE.index(new[1]) < PRECEDENCE.index(old[1]):
                rows[host] = new
    for host, name, category in AUTHORED:
        rows[host] = (name, category)

    here = pathlib.Path(__file__).parent
    with open(here / "sources.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["host", "source", "category", "tag"])
        for host, (name, category) in sorted(rows.items()):
            out.writerow((host, name, category, "yes" if may_be_a_tag(name, category) else "no"))

    spam = (reference / "matomo-referrer-spammers.txt").read_text(encoding="utf-8").split()
    (here / "spam-referrers.txt").write_text("\n".join(sorted(set(spam))) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
