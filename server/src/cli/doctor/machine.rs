//! What can be seen on this machine without opening a store: folder, disk, clock, key, pixel files.

use std::path::Path;

use secrecy::ExposeSecret;

use super::Finding;
use crate::config::Config;
use crate::effects::Clock;

/// Below this the inbox may soon answer 503.
const DISK_BYTES_MIN: u64 = 2 << 30;
/// 2026-01-01: a machine whose clock is before this program was written is wrong.
const CLOCK_MS_MIN: i64 = 1_767_225_600_000;

pub fn check(config: &Config) -> Vec<Finding> {
    vec![data_dir(&config.data_dir), disk(&config.data_dir), clock(Clock::system().now_ms()), key(config)]
}

fn data_dir(dir: &Path) -> Finding {
    use rustix::fs::{Access, access};
    let made = if dir.exists() { "" } else { " and will be made at the first start" };
    let place = nearest(dir);
    let usable = match place.is_dir() {
        true => access(place, Access::WRITE_OK | Access::EXEC_OK).map_err(std::io::Error::from),
        false => Err(std::io::ErrorKind::NotADirectory.into()),
    };
    match usable {
        Ok(()) => Finding::fine("data folder", format!("{} is writable{made}", dir.display())),
        Err(error) => Finding::broken(
            "data folder",
            format!(
                "{} is not writable ({error}); set TRIBUTARY_DATA_DIR to a folder this user owns",
                dir.display()
            ),
        ),
    }
}

/// The folder, or the first above it that is there: the one it would be made in.
fn nearest(dir: &Path) -> &Path {
    let there = dir.ancestors().find(|place| place.exists());
    // Above a name without a folder is the working directory.
    there.filter(|place| !place.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn disk(dir: &Path) -> Finding {
    match rustix::fs::statvfs(nearest(dir)) {
        Err(error) => Finding::careful("disk", format!("free space cannot be read ({error})")),
        Ok(stat) => {
            let free = stat.f_bavail * stat.f_frsize;
            let said = format!("{:.1} GiB free", free as f64 / (1u64 << 30) as f64);
            if free < DISK_BYTES_MIN {
                let advice =
                    "make room, or lower inbox.bytes_max; a full disk makes the collector answer 503";
                Finding::broken("disk", format!("{said}; {advice}"))
            } else {
                Finding::fine("disk", said)
            }
        }
    }
}

fn clock(now_ms: i64) -> Finding {
    let day = jiff::Timestamp::from_millisecond(now_ms).map(|now| now.to_string()).unwrap_or_default();
    if now_ms < CLOCK_MS_MIN {
        let advice = "set the machine's clock (timedatectl set-ntp true); webhook signatures allow 5 minutes";
        Finding::broken("clock", format!("it says {day}; {advice}"))
    } else {
        Finding::fine("clock", day)
    }
}

fn key(config: &Config) -> Finding {
    if !config.secret_key.expose_secret().is_empty() {
        return Finding::fine("operator's key", "given by configuration");
    }
    let path = config.data_dir.join("secret.key");
    if path.exists() {
        let advice = "keep a copy elsewhere: without it sealed provider secrets cannot be opened";
        Finding::careful("operator's key", format!("generated, in {}; {advice}", path.display()))
    } else {
        Finding::fine("operator's key", "will be generated at the first start")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_clock_before_the_program_was_written_is_broken() {
        assert_eq!(clock(0).verdict, Verdict::Broken);
        assert_eq!(clock(CLOCK_MS_MIN).verdict, Verdict::Fine);
    }

    #[test]
    fn an_unwritable_folder_is_named_with_advice() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let finding = data_dir(&file.path().join("below-a-file"));
        assert_eq!(finding.verdict, Verdict::Broken);
        assert!(finding.detail.contains("TRIBUTARY_DATA_DIR"));
    }
}
