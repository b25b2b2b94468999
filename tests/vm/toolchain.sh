# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The tools that build modules for kernels of a later Debian than this machine's: their
# headers want its compiler, and bring programs that want its libc. The packages are only
# unpacked, into a folder that is then the root folder of the build. Sourced by kernels,
# after apt.sh.

# What a build of modules calls; the compiler and the C library come with it.
toolchain_packages=(base-files bash binutils coreutils dash diffutils findutils grep kmod
	libelf1t64 make mawk perl-base sed)

# Fetches what they need, too: nothing counts as installed.
toolchain_fetch() {
	local folder=$1 compiler=$2 file packages=("${@:2}" "${toolchain_packages[@]}")
	[ "$(cat "$folder/stamp" 2>/dev/null)" != "${packages[*]}" ] || return 0
	say "fetching $compiler and what it needs"
	rm -rf "$folder" "$apt"/cache/archives/*.deb
	mkdir -p "$folder"
	with_retries apt-get "${apt_args[@]}" --yes --no-install-recommends --download-only \
		install "${packages[@]}" >&2 || return 1
	# base-files first: it says which folders are links.
	for file in "$apt"/cache/archives/base-files_*.deb "$apt"/cache/archives/*.deb; do
		dpkg -x "$file" "$folder" || return 1
	done
	rm -f "$apt"/cache/archives/*.deb
	# These are the work of scripts that did not run.
	ln -sf mawk "$folder/usr/bin/awk"
	ln -sf "$compiler" "$folder/usr/bin/gcc"
	echo "${packages[*]}" >"$folder/stamp"
}

# toolchain_run FOLDER COMMAND...: the cache is where it is outside, so that paths are good.
toolchain_run() {
	local folder=$1 as_root=()
	shift
	[ "$(id -u)" = 0 ] || as_root=(--map-root-user)
	mkdir -p "$folder$cache"
	# shellcheck disable=SC2016 # the variables of the inner shell
	unshare --mount "${as_root[@]}" sh -euc '
		folder=$1 cache=$2
		shift 2
		mount --rbind /dev "$folder/dev"
		mount --rbind /proc "$folder/proc"
		mount --bind "$cache" "$folder$cache"
		exec chroot "$folder" /usr/bin/env -i PATH=/usr/bin:/usr/sbin LC_ALL=C.UTF-8 "$@"
	' sh "$folder" "$cache" "$@"
}
