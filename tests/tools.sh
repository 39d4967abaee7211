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
# The C library of the native link is tested on this machine too.
command -v cc >/dev/null || want="$want gcc"
[ -e /usr/include/stdio.h ] || want="$want libc6-dev"
# The desk's page is tested in a real browser, the firmware on an emulated board (520 MB, half a minute); where these are
# missing those tests are left out, and say so.
more=""
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
	more=" chromium fonts-dejavu-core"
command -v arm-none-eabi-gcc >/dev/null || more="$more gcc-arm-none-eabi"
command -v qemu-system-arm >/dev/null || more="$more qemu-system-arm"
# The Arduino example is built with Arduino's own core (20 MB).
[ -d /usr/share/arduino/hardware/arduino/avr ] || more="$more arduino-core-avr"
if [ "${1:-}" = vm ]; then
	for each in qemu-system-x86_64:qemu-system-x86 qemu-img:qemu-utils mmdebstrap busybox:busybox-static cpio \
		depmod:kmod zstd xz:xz-utils mke2fs:e2fsprogs swig; do
		PATH=$PATH:/usr/sbin:/sbin command -v "${each%%:*}" >/dev/null || want="$want ${each##*:}"
	done
fi
# The completion of zsh is tested in zsh, the man page by groff.
command -v zsh >/dev/null || more="$more zsh"
command -v groff >/dev/null || more="$more groff-base"
[ -z "$want$more" ] && exit 0
without="Without$more the tests that need these are left out."
install="apt-get install -y -qq --no-install-recommends"
if [ -z "$want" ] && ! { command -v apt-get && { [ "$(id -u)" = 0 ] || sudo -n true; }; } >/dev/null 2>&1; then
	echo "$without"
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
echo "Installing$want$more ..."
$sudo apt-get update -qq
export DEBIAN_FRONTEND=noninteractive
if [ -n "$want" ]; then
	$sudo $install $want >/dev/null || { echo "Installing$want failed." >&2; exit 1; }
fi
if [ -n "$more" ]; then
	$sudo $install $more >/dev/null || echo "$without"
fi
