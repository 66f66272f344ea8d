//! What processes of a workspace find in their environment.

use sam_contract::agent::desired::DesiredWorkspace;

use crate::context::Context;

/// How git gets at credentials, and that it trusts the working copy whoever owns its files. The same in every workspace,
/// so a container made in advance has it too. `run` is where the sockets are.
pub(crate) fn git(run: &str) -> Vec<(String, String)> {
    let helper = format!("cache --socket '{run}/git.sock'");
    let config = [("credential.helper", helper), ("safe.directory", "*".to_owned())];
    let mut env = vec![("GIT_CONFIG_COUNT".to_owned(), config.len().to_string())];
    for (n, (key, value)) in config.into_iter().enumerate() {
        env.push((format!("GIT_CONFIG_KEY_{n}"), key.to_owned()));
        env.push((format!("GIT_CONFIG_VALUE_{n}"), value));
    }
    env
}

/// What shells find besides: which workspace this is.
pub(crate) fn workspace(ctx: &Context, wish: &DesiredWorkspace) -> Vec<(String, String)> {
    let mut env = vec![
        ("SAM_WORKSPACE_ID".to_owned(), wish.id.to_string()),
        ("SAM_WORKSPACE_NAME".to_owned(), wish.name.clone()),
        ("SAM_NODE_ID".to_owned(), ctx.node.to_string()),
        ("SAM_URL".to_owned(), ctx.control.identity().url.to_string()),
        ("TERM".to_owned(), "xterm-256color".to_owned()),
        ("COLORTERM".to_owned(), "truecolor".to_owned()),
    ];
    if let Some(repository) = &wish.repository {
        let shown = sam_agent_domain::remote::shown(&repository.url);
        env.push(("SAM_REPOSITORY".to_owned(), shown));
        if let Some(branch) = &repository.branch {
            env.push(("SAM_BRANCH".to_owned(), branch.clone()));
        }
    }
    env
}
