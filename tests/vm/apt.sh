# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Debian packages for the VM tests, without touching the system's own package state: apt
# runs with state, cache and sources of its own, below the cache folder. Sourced by
# kernels and debug-kernel, which set `cache` and `debs`, the folder for downloads.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
suites=(bookworm bookworm-backports bookworm-security bullseye-security)
apt=
apt_args=()

die() { echo "${0##*/}: $*" >&2; exit 1; }
say() { echo "${0##*/}: $*" >&2; }

# The mirror of the machine's own sources, so that a local one is used where there is one.
mirror_of() {
	local kind=$1 fallback=$2 found
	found=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
		/etc/apt/sources.list.d/*.sources 2>/dev/null |
		grep -Eo "https?://[^ ]*/$kind/?( |\$)" | grep -v snapshot | head -n 1 | tr -d ' ' || true)
	echo "${found:-$fallback}"
}

# apt for the packages of the suites above, or of a FOLDER and SUITES of its own: what is
# the newest is a question to one release only.
apt_setup() {
	local debian security suite
	apt=${1:-$cache/apt}
	[ $# -eq 0 ] || { shift; local suites=("$@"); }
	debian=$(mirror_of debian http://deb.debian.org/debian)
	security=$(mirror_of debian-security http://deb.debian.org/debian-security)
	[ -r "$keyring" ] || die "no $keyring (install debian-archive-keyring)"
	mkdir -p "$apt"/{state,lists/partial,cache/archives/partial} "$debs"
	for suite in "${suites[@]}"; do
		case $suite in
		*-security) echo "deb [signed-by=$keyring] $security $suite main" ;;
		*) echo "deb [signed-by=$keyring] $debian $suite main" ;;
		esac
	done >"$apt/sources.list"
	apt_args=(-qq
		-o "Dir::Etc::SourceList=$apt/sources.list"
		-o Dir::Etc::SourceParts=/dev/null
		-o "Dir::State=$apt/state"
		-o "Dir::State::Lists=$apt/lists"
		-o Dir::State::status=/dev/null
		-o "Dir::Cache=$apt/cache"
		-o APT::Sandbox::User=
		-o Acquire::Retries=3)
}

with_retries() {
	local try
	for try in 1 2 3; do
		"$@" && return 0
		say "'$1 ${*: -1}' failed, try $try of 3"
		sleep $((try * 2))
	done
	return 1
}

# The newest file of a package in the folder of downloads; fetched if there is none.
fetch_package() {
	local package=$1
	if ! compgen -G "$debs/${package}_*.deb" >/dev/null; then
		(cd "$debs" &&
			with_retries apt-get "${apt_args[@]}" download "$package" >&2) || return 1
	fi
	compgen -G "$debs/${package}_*.deb" | sort -V | tail -n 1
}

# Was there a look for newer packages less than a day ago?
is_updated() { [ -n "$(find "$apt/updated" -mtime -1 2>/dev/null)" ]; }

update() {
	if with_retries apt-get "${apt_args[@]}" -o APT::Update::Error-Mode=any update >&2; then
		touch "$apt/updated"
	else
		say "apt-get update failed; using what is there"
	fi
}
