#!/bin/bash
# try-completion.sh SCRIPT - asks the bash completion as readline would and compares what it offers.
set -u
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
mkdir -p "$home/id/amy" "$home/id/bob"
cd "$home" || exit 1
touch cert.pem
case $1 in
/*) script=$1 ;;
*) script=$OLDPWD/$1 ;;
esac
# shellcheck disable=SC1090
source "$script" || exit 1
unset HANDFAST_HOME
failed=0 passed=0

offers() { # WANTED WORD... - each word of WANTED must be offered, each one after "!" must not
	local wanted=$1 word
	shift
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_handfast handfast
	for word in $wanted; do
		local have=no
		[[ " ${COMPREPLY[*]} " == *" ${word#!} "* ]] && have=yes
		if [[ $word == !* && $have == no || $word != !* && $have == yes ]]; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
			echo "'$*' with '$word': offered ${COMPREPLY[*]}"
		fi
	done
}

offers "show trust help --json !cert.pem" handfast ""
offers "trust !show" handfast tr
offers "trust" handfast --json -q tr
offers "!trust" handfast --home tr
offers "add list remove !cert.pem" handfast trust ""
offers "list !remove" handfast trust --json l
offers "--force !--legacy" handfast trust add --
offers "!--force --json" handfast trust list --
offers "amy bob" handfast --home "$home" export ""
offers "amy !bob" handfast --home = "$home" export a
offers "cert.pem !--text" handfast show --passphrase-file ""
offers "cert.pem" handfast show --passphrase-file =
offers "cert.pem !amy" handfast show --passphrase-file = c
offers "bash zsh fish !nothing" handfast completion ""
offers "!anything" handfast nosuchcommand --
echo "$passed passed, $failed failed"
[ $failed = 0 ]
