//! Makes a stored object survive a loss of power. The file system layer writes beside and renames into place, so a crash
//! leaves the old object or the new one, but it leaves writing back to the system, which takes up to half a minute.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use base64ct::{Base64UrlUnpadded, Encoding};

/// Waits until the object `key` is on the disk, with its attributes and with each folder that names it. Blocks.
///
/// An object that is gone was deleted by another request meanwhile.
pub(super) fn sync(dir: &Path, bucket: &str, key: &str) -> io::Result<()> {
    let object = dir.join(bucket).join(key);
    for file in std::iter::once(object.clone()).chain(beside(dir, bucket, key)) {
        sync_one(&file)?;
    }
    // A new object may have made folders; `dir` itself names the files beside.
    for folder in object.ancestors().skip(1).take_while(|folder| folder.starts_with(dir)) {
        sync_one(folder)?;
    }
    Ok(())
}

/// Where the file system layer keeps what S3 knows about an object beyond its bytes.
fn beside(dir: &Path, bucket: &str, key: &str) -> [PathBuf; 2] {
    let (bucket, key) = (
        Base64UrlUnpadded::encode_string(bucket.as_bytes()),
        Base64UrlUnpadded::encode_string(key.as_bytes()),
    );
    ["metadata", "internal"].map(|kind| dir.join(format!(".bucket-{bucket}.object-{key}.{kind}.json")))
}

fn sync_one(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3s::dto::{PutObjectInput, StreamingBlob};
    use s3s::{S3, S3Request};

    /// The names are the layer's own: an update that changes them must not leave attributes behind unsynced.
    #[tokio::test]
    async fn the_files_of_an_object_are_where_they_are_looked_for() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("files")).unwrap();
        let layer = s3s_fs::FileSystem::new(dir.path()).unwrap();
        let input = PutObjectInput::builder()
            .bucket("files".to_owned())
            .key("a/b~1.txt".to_owned())
            .content_type(Some("text/html".parse().unwrap()))
            .body(Some(StreamingBlob::from(s3s::Body::from("hello".to_owned()))))
            .build()
            .unwrap();
        let request = S3Request {
            input,
            method: http::Method::PUT,
            uri: http::Uri::from_static("/files/a/b~1.txt"),
            headers: http::HeaderMap::new(),
            extensions: http::Extensions::new(),
            credentials: None,
            region: None,
            service: None,
            trailing_headers: None,
        };
        layer.put_object(request).await.unwrap();
        assert!(dir.path().join("files/a/b~1.txt").is_file());
        for file in beside(dir.path(), "files", "a/b~1.txt") {
            assert!(file.is_file(), "{} is missing", file.display());
        }
        assert!(sync(dir.path(), "files", "a/b~1.txt").is_ok());
        assert!(sync(dir.path(), "files", "gone").is_ok());
    }
}
