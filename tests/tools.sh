#!/bin/sh
# Installs the programs that the tests use, where it may; says clearly what is missing where it may not.
# `tools.sh vm`: those of the virtual machine too.
set -u
want=""
command -v mosquitto >/dev/null || [ -x /usr/sbin/mosquitto ] || want="$want mosquitto"
command -v dbus-daemon >/dev/null || want="$want dbus-daemon"
command -v strace >/dev/null || want="$want strace"
command -v ip >/dev/null || want="$want iproute2"
command -v openssl >/dev/null || want="$want openssl"
# The desk's page is tested in a real browser; where there is none those tests are left out, and say so.
browser=""
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
	browser=" chromium fonts-dejavu-core"
if [ "${1:-}" = vm ]; then
	for each in qemu-system-x86_64:qemu-system-x86 qemu-img:qemu-utils mmdebstrap busybox:busybox-static cpio \
		depmod:kmod zstd xz:xz-utils mke2fs:e2fsprogs swig gcc; do
		PATH=$PATH:/usr/sbin:/sbin command -v "${each%%:*}" >/dev/null || want="$want ${each##*:}"
	done
	[ -e /usr/include/stdio.h ] || want="$want libc6-dev"
fi
[ -z "$want$browser" ] && exit 0
install="apt-get install -y -qq --no-install-recommends"
if [ -z "$want" ] && ! { command -v apt-get && { [ "$(id -u)" = 0 ] || sudo -n true; }; } >/dev/null 2>&1; then
	echo "Without chromium the tests of the desk's page are left out."
	exit 0
elif ! command -v apt-get >/dev/null; then
	echo "The tests need these programs, please install them:$want" >&2
	exit 1
elif [ "$(id -u)" = 0 ]; then
	sudo=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	sudo="sudo"
else
	echo "The tests need these programs, and this user may not install them. Please run:" >&2
	echo "    sudo apt-get install$want" >&2
	exit 1
fi
echo "Installing$want$browser ..."
$sudo apt-get update -qq
export DEBIAN_FRONTEND=noninteractive
if [ -n "$want" ]; then
	$sudo $install $want >/dev/null || { echo "Installing$want failed." >&2; exit 1; }
fi
if [ -n "$browser" ]; then
	$sudo $install $browser >/dev/null || echo "Without chromium the tests of the desk's page are left out."
fi
