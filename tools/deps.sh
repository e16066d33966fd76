#!/bin/sh
# deps.sh GROUP... - makes sure that what the groups need is there, and installs by apt what is not.
# Groups: build test lint fuzz bench.  Debian 12 and Ubuntu 22.04 or newer; elsewhere it says what is
# missing.  Each row is GROUP PROBE PACKAGE; a probe is cmd:NAME (on the path or in /usr/sbin),
# pc:MODULE (pkg-config), hdr:FILE (below /usr/include) or py:MODULE (for Debian's python3), so that
# a tool that came from elsewhere counts too.  It starts no service and leaves none running.
set -eu

rows='
build cmd:gcc gcc
build hdr:stdio.h libc6-dev
build cmd:meson meson
build cmd:ninja ninja-build
build cmd:pkg-config pkg-config
build cmd:python3 python3
build pc:openssl libssl-dev
build pc:libuv libuv1-dev
build pc:jansson libjansson-dev
build pc:yaml-0.1 libyaml-dev
build pc:sqlite3 libsqlite3-dev
build pc:libidn2 libidn2-dev
build cmd:openssl openssl
build hdr:p11-kit-1/p11-kit/pkcs11.h libp11-kit-dev
test pc:cmocka libcmocka-dev
test py:pytest python3-pytest
test py:xdist python3-pytest-xdist
test py:cryptography python3-cryptography
test py:cryptography_vectors python3-cryptography-vectors
test py:yaml python3-yaml
test cmd:curl curl
test cmd:strace strace
test cmd:cfssl golang-cfssl
test cmd:/usr/share/easy-rsa/easyrsa easy-rsa
test cmd:gnutls-cli gnutls-bin
test cmd:node nodejs
test cmd:mandoc mandoc
test cmd:p11tool gnutls-bin
test cmd:softhsm2-util softhsm2
test cmd:socat socat
test cmd:nginx nginx-light
test cmd:haproxy haproxy
test cmd:tinyproxy tinyproxy-bin
test cmd:microsocks microsocks
test cmd:apache2 apache2-bin
test cmd:stunnel4 stunnel4
test cmd:g++ g++
test cmd:strace strace
test cmd:zsh zsh
test cmd:fish fish
test cmd:pki strongswan-pki
test cmd:pki libstrongswan-standard-plugins
test cmd:valgrind valgrind
lint cmd:g++ g++
lint cmd:mandoc mandoc
lint cmd:clang-format clang-format
lint pc:cmocka libcmocka-dev
fuzz cmd:clang clang
fuzz libfuzzer clang
bench cmd:cc gcc
bench cmd:strace strace
bench cmd:openssl openssl
bench cmd:time time
bench cmd:nginx nginx-light
bench cmd:haproxy haproxy
bench cmd:hitch hitch
bench cmd:stunnel4 stunnel4
'

have() {
	case $1 in
	cmd:*) command -v "${1#cmd:}" >/dev/null 2>&1 || [ -x "/usr/sbin/${1#cmd:}" ] ;;
	pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
	hdr:*) [ -e "/usr/include/${1#hdr:}" ] ;;
	py:*) /usr/bin/python3 -c "import ${1#py:}" >/dev/null 2>&1 ;;
	libfuzzer) [ -n "$(find /usr/lib/llvm-*/lib/clang -name 'libclang_rt.fuzzer*.a' 2>/dev/null |
		head -n 1)" ] ;;
	esac
}

missing=
for group in "$@"; do
	found=0
	while read -r g probe package; do
		[ "$g" = "$group" ] || continue
		found=1
		have "$probe" && continue
		# libFuzzer is a package of its own on Debian, a part of libclang-common on Ubuntu.
		[ "$probe" = libfuzzer ] && package="clang libclang-rt-dev"
		case " $missing " in *" $package "*) ;; *) missing="$missing $package" ;; esac
	done <<EOF
$rows
EOF
	[ $found = 1 ] || { echo "deps.sh: unknown group '$group' (build test lint fuzz bench)" >&2; exit 2; }
done
[ -n "$missing" ] || exit 0

echo "deps.sh: to be installed:$missing" >&2
if ! command -v apt-get >/dev/null 2>&1; then
	echo "deps.sh: there is no apt-get here; install the like of these packages yourself" >&2
	exit 3
fi
root=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "deps.sh: not root and no sudo; as root: apt-get install$missing" >&2
		exit 3
	fi
	root=sudo
fi

# Servers come along for the comparisons; their packages would start them.  A policy of ours that
# says no is there only while apt runs, and an existing policy is left as it is.
policy=/usr/sbin/policy-rc.d
ours=0
unguard() {
	[ $ours = 0 ] || $root rm -f "$policy"
	ours=0
}
trap unguard EXIT
trap 'exit 130' INT TERM
if [ ! -e "$policy" ]; then
	ours=1
	printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
	$root chmod 755 "$policy"
fi

apt() {
	$root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -y -q \
		-o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" </dev/null >&2
}
apt update || echo "deps.sh: apt-get update failed; trying with the lists that are here" >&2
kept=
for package in $missing; do
	# A package that this release does not have (libclang-rt-dev on Ubuntu 22.04) is left out.
	if apt-cache show "$package" >/dev/null 2>&1; then
		kept="$kept $package"
	else
		echo "deps.sh: this release has no package $package" >&2
	fi
done
# shellcheck disable=SC2086 # a list of package names
apt install --no-install-recommends $kept
