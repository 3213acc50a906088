//! `tributary portal`: the partners' own pages: who may apply, what partners are given to use, and who may show the pages
//! in a frame.

use anyhow::{Context, ensure};
use url::Url;

use super::affiliate::{affiliates, open};
use super::client::Of;
use crate::affiliate::portal::{Applications, AssetKind, NewAsset};
use crate::config::Config;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Let anybody apply to a programme, and print the page to link to.
    Open {
        /// prg_…
        program: String,
        /// What the page says, plain text.
        #[arg(long, default_value = "")]
        about: String,
        #[command(flatten)]
        of: Of,
    },
    /// Take applications to a programme no more.
    Close {
        /// prg_…
        program: String,
        #[command(flatten)]
        of: Of,
    },
    /// Give a programme's partners a link, an image by its address, or a text.
    AddAsset {
        /// prg_…
        program: String,
        /// link, image or text.
        kind: AssetKind,
        title: String,
        /// The address, or the text.
        content: String,
        #[command(flatten)]
        of: Of,
    },
    /// Take an asset away.
    RemoveAsset {
        /// ast_…
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// List what a programme's partners are given.
    Assets {
        /// prg_…
        program: String,
        #[command(flatten)]
        of: Of,
    },
    /// Name the sites whose pages may show the partners' pages in a frame, such as https://www.example.com; none: nobody.
    Frames {
        origins: Vec<String>,
        #[command(flatten)]
        of: Of,
    },
}

impl Command {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let (Command::Open { of, .. }
        | Command::Close { of, .. }
        | Command::AddAsset { of, .. }
        | Command::RemoveAsset { of, .. }
        | Command::Assets { of, .. }
        | Command::Frames { of, .. }) = &self;
        let (settings, mut workspace) = open(config, of).await?;
        if let Command::Frames { origins, .. } = &self {
            let origins: anyhow::Result<Vec<String>> = origins.iter().map(|text| origin(text)).collect();
            workspace.settings.portal_frames = origins?;
            settings.control.update_workspace(&workspace, settings.clock.now_ms()).await?;
        }
        let affiliates = affiliates(&settings, &workspace);
        match self {
            Command::Open { program, about, .. } => {
                let wanted = Applications { open: true, about, url: None };
                let open = affiliates.set_applications(&program, &wanted).await?;
                println!("{}", open.url.unwrap_or_default());
            }
            Command::Close { program, .. } => {
                let wanted = Applications { open: false, about: String::new(), url: None };
                affiliates.set_applications(&program, &wanted).await?;
                println!("closed {program}");
            }
            Command::AddAsset { program, kind, title, content, .. } => {
                println!("{}", affiliates.add_asset(&program, NewAsset { kind, title, content }).await?.id);
            }
            Command::RemoveAsset { id, .. } => {
                affiliates.remove_asset(&id).await?;
                println!("removed {id}");
            }
            Command::Assets { program, .. } => {
                for asset in affiliates.assets(&program).await?.rows {
                    let content = asset.content.replace('\n', " ");
                    println!("{}\t{}\t{}\t{content}", asset.id, asset.kind.name(), asset.title);
                }
            }
            Command::Frames { .. } => match workspace.settings.portal_frames.as_slice() {
                [] => println!("nobody may show the partners' pages of {} in a frame", workspace.id),
                some => println!("{} may show the partners' pages of {}", some.join(", "), workspace.id),
            },
        }
        settings.control.close().await;
        Ok(())
    }
}

/// `https://host[:port]`, and nothing a policy could be broken out of with.
fn origin(text: &str) -> anyhow::Result<String> {
    let address = Url::parse(text).with_context(|| format!("{text:?} is no address"))?;
    let is_web = matches!(address.scheme(), "http" | "https") && address.host_str().is_some();
    ensure!(
        is_web && address.path() == "/" && address.query().is_none() && address.fragment().is_none(),
        "{text:?}: name a site without a path, such as https://www.example.com"
    );
    Ok(address.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn only_a_sites_origin_may_show_the_pages() {
        assert_eq!(origin("https://Shop.example/").unwrap(), "https://shop.example");
        assert_eq!(origin("http://localhost:4601").unwrap(), "http://localhost:4601");
        for wrong in
            ["*", "https://shop.example/x", "https://a.example; script-src *", "data:x", "shop.example"]
        {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
