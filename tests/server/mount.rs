//! A folder as the kubelet mounts a ConfigMap or Secret: the files are links through `..data`, which is swapped.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

pub(crate) struct Mount {
    folder: TempDir,
    version: u32,
}

impl Mount {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let mut mount = Self { folder: TempDir::new().unwrap(), version: 0 };
        mount.swap(files);
        mount
    }

    /// Replaces all files at once, in the order of the kubelet's `AtomicWriter`.
    /// <https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter.Write>
    pub(crate) fn swap(&mut self, files: &[(&str, &str)]) {
        let old = fs::read_link(self.path("..data")).ok();
        self.version += 1;
        let new = format!("..2026_11_21_10_42_07.{}", self.version);
        fs::create_dir(self.path(&new)).unwrap();
        for (name, text) in files {
            fs::write(self.path(&new).join(name), text).unwrap();
        }
        symlink(&new, self.path("..data_tmp")).unwrap();
        fs::rename(self.path("..data_tmp"), self.path("..data")).unwrap();
        for (name, _) in files.iter().filter(|(name, _)| self.path(name).symlink_metadata().is_err()) {
            symlink(Path::new("..data").join(name), self.path(name)).unwrap();
        }
        for entry in fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if !name.starts_with("..") && !files.iter().any(|(kept, _)| *kept == name) {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        if let Some(old) = old {
            fs::remove_dir_all(self.path(old.to_str().unwrap())).unwrap();
        }
    }

    pub(crate) fn folder(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
