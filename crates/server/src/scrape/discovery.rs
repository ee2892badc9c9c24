//! Targets that files tell.
//!
//! Source: Prometheus documentation, "file_sd_config".

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::settings::{FileDiscoverySettings, TargetGroup};

/// Watches the files of one job.
#[derive(Debug, Default)]
pub(super) struct FileDiscovery {
    settings: Vec<FileDiscoverySettings>,
    files: BTreeMap<PathBuf, File>,
}

#[derive(Debug)]
struct File {
    /// What says that it has changed.
    stamp: Option<(SystemTime, u64)>,
    read: Instant,
    /// What it said last, as long as it could be read.
    groups: Vec<TargetGroup>,
}

/// What a look at the files found.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Whether targets may have changed.
    pub(super) changed: bool,
    /// A sentence for each file that cannot be read; what it said before goes on.
    pub(super) problems: Vec<String>,
}

impl FileDiscovery {
    /// Refuses, in a sentence, names that can be no such files.
    pub(super) fn new(settings: Vec<FileDiscoverySettings>) -> Result<Self, String> {
        for path in settings.iter().flat_map(|settings| &settings.files) {
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            let ending = ending.to_ascii_lowercase();
            let folder = path.parent().unwrap_or(Path::new(""));
            if !matches!(ending.as_str(), "json" | "yml" | "yaml")
                || folder.to_string_lossy().contains('*')
            {
                return Err(format!(
                    "`{}` names no files of targets: expected a path that ends in .json, .yml or .yaml, with `*` in its last part only",
                    path.display()
                ));
            }
        }
        Ok(Self { settings, files: BTreeMap::new() })
    }

    /// Reads what has changed.
    pub(super) fn look(&mut self) -> Look {
        let mut look = Look::default();
        let mut there = Vec::new();
        for settings in self.settings.clone() {
            for path in settings.files.iter().flat_map(|pattern| matching(pattern)) {
                self.look_at(&path, settings.refresh_interval, &mut look);
                there.push(path);
            }
        }
        let before = self.files.len();
        self.files.retain(|path, _| there.contains(path));
        look.changed |= self.files.len() != before;
        look
    }

    fn look_at(&mut self, path: &Path, refresh: Duration, look: &mut Look) {
        let stamp = path.metadata().and_then(|metadata| Ok((metadata.modified()?, metadata.len())));
        let stamp = stamp.ok();
        let known = self.files.get(path);
        let same = |file: &File| file.stamp == stamp && file.read.elapsed() < refresh;
        if stamp.is_some() && known.is_some_and(same) {
            return;
        }
        let before = known.map(|file| file.groups.clone());
        let groups = match read(path) {
            Ok(groups) => groups,
            Err(problem) => {
                look.problems.push(problem);
                before.clone().unwrap_or_default()
            }
        };
        look.changed |= before.as_ref() != Some(&groups);
        self.files.insert(path.to_owned(), File { stamp, read: Instant::now(), groups });
    }

    /// What the files say, each group with the file that says it.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&Path, &TargetGroup)> {
        self.files
            .iter()
            .flat_map(|(path, file)| file.groups.iter().map(move |group| (path.as_path(), group)))
    }
}

fn read(path: &Path) -> Result<Vec<TargetGroup>, String> {
    let refuse = |reason: String| {
        let reason = reason.lines().next().unwrap_or_default().to_owned();
        format!("{}: {reason}; its targets stay as they were", path.display())
    };
    let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
    let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    if is_json {
        serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))
    } else if text.trim().is_empty() {
        Ok(Vec::new())
    } else {
        serde_saphyr::from_str(&text).map_err(|error| refuse(error.to_string()))
    }
}

/// The files that `pattern` names, by name; itself where it has no `*`.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let name = pattern.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !name.contains('*') {
        return vec![pattern.to_owned()];
    }
    let folder = pattern.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Ok(entries) = std::fs::read_dir(folder.unwrap_or(Path::new("."))) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| fits(&name, &entry.file_name().to_string_lossy()))
        .map(|entry| pattern.with_file_name(entry.file_name()))
        .collect();
    paths.sort();
    paths
}

/// Whether `name` is `pattern` with any text in place of each `*`.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(place) = rest.find(part) else { return false };
        rest = &rest[place + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn discovery(pattern: &Path) -> FileDiscovery {
        let files = vec![pattern.to_owned()];
        let refresh_interval = Duration::from_secs(300);
        FileDiscovery::new(vec![FileDiscoverySettings { files, refresh_interval }]).unwrap()
    }

    fn targets(discovery: &FileDiscovery) -> Vec<String> {
        let groups = discovery.groups();
        groups
            .flat_map(|(_, group)| {
                group.targets.iter().map(|target| format!("{target} {:?}", group.labels))
            })
            .collect()
    }

    #[test]
    fn files_come_change_break_and_go() {
        let folder = std::env::temp_dir().join(format!("auscult-sd-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut discovery = discovery(&folder.join("t_*.yml"));
        assert!(!discovery.look().changed);
        let file = folder.join("t_1.yml");
        std::fs::write(&file, "- targets: ['a:1', b:2]\n  labels: {rack: 7}\n").unwrap();
        std::fs::write(folder.join("other.yml"), "- targets: ['c:3']\n").unwrap();
        let look = discovery.look();
        assert!(look.changed && look.problems.is_empty(), "{look:?}");
        assert_eq!(targets(&discovery), [r#"a:1 {"rack": "7"}"#, r#"b:2 {"rack": "7"}"#]);
        assert!(!discovery.look().changed, "nothing has changed");
        std::fs::write(&file, "- target: ['a:1']\n").unwrap();
        let look = discovery.look();
        assert!(!look.changed, "what it said stays");
        assert!(look.problems[0].ends_with("its targets stay as they were"), "{look:?}");
        std::fs::write(&file, "- targets: ['a:1']\n").unwrap();
        assert!(discovery.look().changed);
        assert_eq!(targets(&discovery), ["a:1 {}"]);
        std::fs::remove_file(&file).unwrap();
        assert!(discovery.look().changed);
        assert!(targets(&discovery).is_empty());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn json_is_read_and_wrong_names_are_refused() {
        let file = std::env::temp_dir().join(format!("auscult-sd-{}.json", std::process::id()));
        std::fs::write(&file, r#"[{"targets": ["a:1"], "labels": {"x": "y"}}]"#).unwrap();
        let mut one = discovery(&file);
        assert!(one.look().changed);
        assert_eq!(targets(&one), [r#"a:1 {"x": "y"}"#]);
        std::fs::remove_file(&file).unwrap();
        let refresh_interval = Duration::from_secs(1);
        for wrong in ["targets.txt", "a*/b.json"] {
            let files = vec![PathBuf::from(wrong)];
            let settings = FileDiscoverySettings { files, refresh_interval };
            assert!(FileDiscovery::new(vec![settings]).is_err());
        }
    }

    #[test]
    fn stars_stand_for_any_text() {
        assert!(fits("a*.yml", "a.yml") && fits("a*b*.yml", "axbyb.yml") && fits("*", "x"));
        assert!(!fits("a*.yml", "b.yml") && !fits("a*b*.yml", "ax.yml") && !fits("a", "ab"));
        assert!(!fits("a*a", "a"), "parts do not overlap");
    }
}
