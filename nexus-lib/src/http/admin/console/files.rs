use xxhash_rust::xxh3::xxh3_64;

/// A file of the console.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http::admin) struct Asset {
    /// The path below `/console/`.
    path: &'static str,
    pub(super) bytes: &'static [u8],
}

impl Asset {
    /// Its media type, by its extension.
    pub(super) fn content_type(&self) -> &'static str {
        match self.path.rsplit_once('.').map(|(_, end)| end) {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        }
    }

    /// The value of its `ETag`, unique to its content.
    pub(super) fn tag(&self) -> String {
        format!("\"{:016x}\"", xxh3_64(self.bytes))
    }
}

/// The paths of all files.
pub(in crate::http::admin) fn paths() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|file| file.path)
}

/// The file at this path, if there is one.
pub(in crate::http::admin) fn find(path: &str) -> Option<&'static Asset> {
    FILES.iter().find(|file| file.path == path)
}

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(Asset { path: $path, bytes: include_bytes!(concat!("assets/", $path)) }),*]
    };
}

const FILES: &[Asset] = files![
    "api.js",
    "base.css",
    "icon.svg",
    "index.html",
    "main.js",
    "pages.css",
    "pages/chat.js",
    "pages/conversations.js",
    "pages/guide.js",
    "pages/model_forms.js",
    "pages/models.js",
    "pages/overview.js",
    "pages/playground.js",
    "pages/provider_form.js",
    "pages/providers.js",
    "pages/request_parts.js",
    "pages/requests.js",
    "pages/settings.js",
    "pages/transcript.js",
    "parts.css",
    "text/en.js",
    "text/zh.js",
    "theme.js",
    "ui/chart.js",
    "ui/form.js",
    "ui/format.js",
    "ui/icons.js",
    "ui/language.js",
    "ui/load.js",
    "ui/parts.js",
    "ui/route.js",
    "ui/signal.js",
    "ui/theme.js",
    "ui/token.js",
    "vendor/htm.LICENSE.txt",
    "vendor/preact-htm.js",
    "vendor/preact.LICENSE.txt",
    "vendor/uplot.LICENSE.txt",
    "vendor/uplot.css",
    "vendor/uplot.js",
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn walk(folder: &Path, found: &mut Vec<String>, root: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found, root);
            } else {
                let name = path.strip_prefix(root).unwrap();
                found.push(name.to_str().unwrap().replace('\\', "/"));
            }
        }
    }

    #[test]
    fn every_file_in_the_folder_is_served() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/admin/console/assets");
        let mut found = Vec::new();
        walk(&root, &mut found, &root);
        found.sort();
        let mut served: Vec<_> = FILES.iter().map(|file| file.path).collect();
        served.sort_unstable();
        assert_eq!(served, found);
    }

    #[test]
    fn the_page_is_small_and_names_no_other_host() {
        let sum: usize = FILES.iter().map(|file| file.bytes.len()).sum();
        assert!(sum < 300_000, "{sum} bytes");
        let page = std::str::from_utf8(find("index.html").unwrap().bytes).unwrap();
        assert!(!page.contains("//"), "{page}");
    }
}
