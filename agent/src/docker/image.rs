//! Images: used as they are when they are here, pulled when they are not.

use std::collections::HashMap;
use std::time::Duration;

use bollard::query_parameters::{CreateImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptions};
use futures::StreamExt;
use tokio::time::timeout;

use super::{Engine, EngineError, not_found};
use crate::steplog::StepLog;

/// A pull that says nothing for so long is stuck.
const SILENCE_MAX: Duration = Duration::from_secs(120);

impl Engine {
    /// Whether the image is here.
    pub(crate) async fn has_image(&self, image: &str) -> Result<bool, EngineError> {
        match self.client().await?.inspect_image(image).await {
            Ok(_) => Ok(true),
            Err(error) if not_found(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes the images of that name whose tag begins with `tag`.
    pub(crate) async fn remove_images(&self, name: &str, tag: &str) -> Result<(), EngineError> {
        let client = self.client().await?;
        let filters = HashMap::from([("reference".to_owned(), vec![format!("{name}:{tag}*")])]);
        let options = ListImagesOptionsBuilder::default().filters(&filters).build();
        for image in client.list_images(Some(options)).await? {
            for tag in image.repo_tags {
                match client.remove_image(&tag, None::<RemoveImageOptions>, None).await {
                    Err(error) if !not_found(&error) => return Err(error.into()),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Pulls the image, telling how it goes.
    pub(crate) async fn pull(&self, image: &str, log: Option<&StepLog>) -> Result<(), EngineError> {
        let client = self.client().await?;
        let (name, tag) = match image.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (image, "latest"),
        };
        let options = if image.contains('@') {
            CreateImageOptionsBuilder::default().from_image(image).build()
        } else {
            CreateImageOptionsBuilder::default().from_image(name).tag(tag).build()
        };
        let mut pulling = client.create_image(Some(options), None, None);
        let mut last = String::new();
        loop {
            let next = timeout(SILENCE_MAX, pulling.next()).await.map_err(|_| {
                EngineError::Failed(format!(
                    "the pull of {image} has stopped for {} s",
                    SILENCE_MAX.as_secs()
                ))
            })?;
            let Some(info) = next.transpose()? else { return Ok(()) };
            if let Some(error) = info.error_detail.and_then(|detail| detail.message) {
                return Err(EngineError::Failed(error));
            }
            let status = info.status.unwrap_or_default();
            if let Some(log) = log
                && status != last
            {
                log.line(&status);
            }
            last = status;
        }
    }
}
