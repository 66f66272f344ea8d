#!/bin/sh
# Makes the base image of workspaces from Debian's own packages, without any image registry: debootstrap, then docker import.
#
#   build.sh IMAGE [CACHE_DIR]
#
# Needs root, debootstrap and a Docker engine. Does nothing when IMAGE was made by this very script already.
# With CACHE_DIR the root tree is kept there as one archive, so that the next machine image is made in seconds.
set -eu

image=${1:?usage: build.sh IMAGE [CACHE_DIR]}
cache=${2:-}
suite=bookworm
packages=git,ca-certificates,curl,openssh-client,procps,less,vim-tiny,htop,tmux,make,python3,nodejs,bash-completion,locales

recipe=$(sha256sum "$0" | cut -c1-16)
made=$(docker image inspect --format '{{ index .Config.Labels "sam.recipe" }}' "$image" 2>/dev/null || true)
if [ "$made" = "$recipe" ]; then
    echo "$image is there already"
    exit 0
fi

if [ "$(id -u)" != 0 ]; then
    echo "making the image $image needs root: run this with sudo, or build deploy/workspace-image/Dockerfile" >&2
    exit 1
fi
if ! command -v debootstrap >/dev/null; then
    echo "making the image $image needs debootstrap: apt-get install -y debootstrap" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
archive="$work/root.tar"

if [ -n "$cache" ] && [ -f "$cache/workspace-$recipe.tar" ]; then
    archive="$cache/workspace-$recipe.tar"
else
    # The machine's own mirror, where it has one: it may be the only one that it reaches.
    mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\) .*/\2/p' \
        /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
        grep -v security | head -n 1)
    debootstrap --variant=minbase --include="$packages" "$suite" "$work/root" \
        "${mirror:-http://deb.debian.org/debian}" "/usr/share/debootstrap/scripts/$suite"
    root="$work/root"
    # What every shell should find, whatever the host is set to.
    echo 'en_US.UTF-8 UTF-8' >"$root/etc/locale.gen"
    chroot "$root" locale-gen >/dev/null
    printf 'set -g mouse on\n' >"$root/etc/tmux.conf"
    cat >"$root/etc/profile.d/sam.sh" <<'PROFILE'
PS1='\[\e[1;34m\]\w\[\e[0m\] \$ '
alias ls='ls --color=auto' ll='ls -l'
PROFILE
    cat "$root/etc/profile.d/sam.sh" >>"$root/root/.bashrc"
    rm -rf "$root/var/cache/apt/archives/"*.deb "$root/var/lib/apt/lists/"* "$root/usr/share/doc/"* "$root/usr/share/man/"*
    tar -C "$root" --numeric-owner -cf "$archive" .
    if [ -n "$cache" ]; then
        mkdir -p "$cache"
        cp "$archive" "$cache/.workspace-$recipe.tar.$$"
        mv "$cache/.workspace-$recipe.tar.$$" "$cache/workspace-$recipe.tar"
    fi
fi

docker import \
    --change 'ENV LANG=en_US.UTF-8' \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'WORKDIR /workspace' \
    --change "LABEL sam.recipe=$recipe" \
    "$archive" "$image" >/dev/null
echo "made $image"
