#!/bin/sh
# Installs the SAM agent on this machine and lets it join the control plane at @ORIGIN@.
#
#   curl -fsSL '@ORIGIN@/api/agent/install' | sh -s -- --token <token> --sha256 <digest>
#
# As root: /usr/local/bin and a systemd unit. As anybody else: ~/.local/bin and a unit of that user.

# All of it is one function, so that a script that broke off on its way does nothing.
main() {
    set -eu
    origin='@ORIGIN@'
    sums='@SUMS@'
    token='' digest='' options=''

    while [ $# -gt 0 ]; do
        case "$1" in
            --token) [ $# -ge 2 ] || fail "--token needs a value"; token=$2; shift 2 ;;
            --sha256) [ $# -ge 2 ] || fail "--sha256 needs a value"; digest=$2; shift 2 ;;
            --insecure-http) options='--insecure-http'; shift ;;
            *) fail "unknown option: $1" ;;
        esac
    done
    [ -n "$token" ] || fail "--token is missing: copy the whole command from the page of the node"
    [ -n "$digest" ] || fail "--sha256 is missing: copy the whole command from the page of the node"

    [ "$(uname -s)" = Linux ] || fail "only Linux machines can be nodes; this one is $(uname -s)"
    case "$(uname -m)" in
        x86_64 | amd64) arch=amd64 ;;
        aarch64 | arm64) arch=arm64 ;;
        *) fail "there is no agent for $(uname -m): amd64 and arm64 are supported" ;;
    esac
    command -v sha256sum >/dev/null 2>&1 || fail "sha256sum is missing: install coreutils"
    command -v git >/dev/null 2>&1 || say "git is missing: install it before you make a workspace of a repository"

    found=$(printf '%s' "$sums" | sha256sum | cut -d ' ' -f 1)
    [ "$found" = "$digest" ] || fail "the command vouches for other binaries than this site has now: make a new command"

    if [ "$(id -u)" = 0 ]; then
        bin=/usr/local/bin
        state=/var/lib/sam-agent
    else
        [ -n "${HOME:-}" ] || fail "HOME is not set"
        bin=$HOME/.local/bin
        state=${XDG_STATE_HOME:-$HOME/.local/state}/sam-agent
    fi
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    trap 'exit 1' HUP INT TERM

    mkdir -p "$bin"
    fetch
    # Beside its place first: a running binary is replaced by a rename, never written over.
    cp "$folder/sam-agent" "$bin/.sam-agent.new"
    chmod 755 "$bin/.sam-agent.new"
    mv -f "$bin/.sam-agent.new" "$bin/sam-agent"
    say "installed $bin/sam-agent"

    mkdir -p "$state"
    chmod 700 "$state"
    # shellcheck disable=SC2086 # options are our own words, or none
    printf '%s\n' "$token" | "$bin/sam-agent" --state-dir "$state" enrol --url "$origin" --token-stdin $options

    serve
}

say() { printf 'sam: %s\n' "$*"; }

fail() {
    printf 'sam: %s\n' "$*" >&2
    exit 1
}

fetch() {
    wanted=$(printf '%s\n' "$sums" | while read -r sum name; do
        if [ "$name" = "linux-$arch" ]; then printf '%s' "$sum"; fi
    done)
    [ -n "$wanted" ] || fail "this site has no agent for linux-$arch: its operator has to build it"
    url="$origin/api/agent/download?os=linux&arch=$arch"
    say "fetching the agent for linux-$arch"
    if command -v curl >/dev/null 2>&1; then
        curl -fsSL --retry 3 -o "$folder/sam-agent" "$url" || fail "$url could not be fetched"
    elif command -v wget >/dev/null 2>&1; then
        wget -q -O "$folder/sam-agent" "$url" || fail "$url could not be fetched"
    else
        fail "neither curl nor wget is here: install one of them"
    fi
    got=$(sha256sum "$folder/sam-agent" | cut -d ' ' -f 1)
    [ "$got" = "$wanted" ] || fail "the agent is not what the command vouches for ($got instead of $wanted): nothing was installed"
}

# KillMode=process: shells and coding agents belong to their supervisors, and outlive the agent.
# 3 and 4: a newer process runs for this node, or the node was deleted; starting again would change neither.
unit() {
    cat <<UNIT
[Unit]
Description=SAM agent: runs workspaces for $origin
After=network-online.target docker.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart="$bin/sam-agent" --state-dir "$state" run
Restart=always
RestartSec=2
RestartPreventExitStatus=3 4
KillMode=process
OOMPolicy=continue
Delegate=yes

[Install]
WantedBy=$1
UNIT
}

serve() {
    if [ "$(id -u)" = 0 ] && [ -d /run/systemd/system ]; then
        unit multi-user.target >/etc/systemd/system/sam-agent.service
        systemctl daemon-reload
        systemctl enable --quiet sam-agent.service
        systemctl restart sam-agent.service
        say "this machine is a node now; its agent is the service sam-agent (journalctl -u sam-agent)"
    elif [ "$(id -u)" != 0 ] && command -v systemctl >/dev/null 2>&1 && systemctl --user show-environment >/dev/null 2>&1; then
        units=${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user
        mkdir -p "$units"
        unit default.target >"$units/sam-agent.service"
        systemctl --user daemon-reload
        systemctl --user enable --quiet sam-agent.service
        systemctl --user restart sam-agent.service
        say "this machine is a node now; its agent is your service sam-agent (journalctl --user -u sam-agent)"
        say "to let it run while you are not signed in: loginctl enable-linger"
    else
        say "this machine has joined. systemd is not here, so start its agent yourself, and at each start of the machine:"
        say "  $bin/sam-agent --state-dir $state run"
    fi
}

main "$@"
