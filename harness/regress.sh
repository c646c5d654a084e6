#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# regress.sh - `make regress BASE=REF|BINARY|FILE`: is this build slower than that one?
#
# usage, in the build folder: regress.sh BASE SOURCE-FOLDER [OPTION...]
#   BINARY  a muster of another build: dueled with ./muster; options go to `muster duet`
#   REF     a git revision of SOURCE-FOLDER: built in regress/COMMIT here as this build was (config.status knows how, and
#           what make is given for CC and the flags reaches it too), kept for the next time, and dueled
#   FILE    a results file, or a folder with one: its cells are measured once more, and the two files compared; where
#           cells are slower, they are measured a second time, which confirms it or not; options go to `muster compare`
# Options are looked at before anything is built or measured.
# What came of it lies in results/regress, replaced each time. Exit codes are muster's own; 66 for a BASE that is none of these, 5 for a
# revision that does not build.
set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL GNUMAKEFLAGS
out=results/regress

die() { code=$1; shift; echo "regress: $*" >&2; exit "$code"; }

test $# -ge 2 && test -n "$1" || die 64 "say what to compare with: make regress BASE=REF|BINARY|FILE"
base=$1 source=$2
shift 2

# Before anything is built or measured: whether the options are the command's that they go to.
check()
{
    command=$1 because=$2
    shift 2
    ./muster "$command" "$@" --help >/dev/null ||
        die 64 "REGRESSFLAGS holds options of muster $command, since BASE is $because; see muster $command --help"
}

# Whether the base itself lies where room is made.
is_in_the_way()
{
    case $(readlink -f "$base")/ in
    "$(readlink -f "$out")"/*) return 0 ;;
    *) return 1 ;;
    esac
}

# What an earlier time left must not be taken for this one's.
begin()
{
    mkdir -p "$out"
    if is_in_the_way; then
        die 64 "'$base' lies in $out, where what comes of this is to go: copy it elsewhere first"
    fi
    rm -rf "$out/again"
    rm -f "$out"/*.json "$out"/*.html "$out"/*.svg "$out/compared"
}

# Both sides are started without a shell, split at blanks.
duel()
{
    binary=$1
    shift
    case $binary in
    *[[:space:]]*) die 64 "a path with a blank in it cannot be dueled: '$binary'" ;;
    */*) ;;
    *) binary=./$binary ;;
    esac
    check duet "a build" "$@"
    begin
    exec ./muster duet --base "$binary" --candidate ./muster "$@" -o "$out"
}

# A cell that fails on this side is compare's to judge.
measure()
{
    code=0
    ./muster run --like "$base" -o "$1" --format none || code=$?
    test "$code" = 0 || test "$code" = 5 || exit "$code"
}

# No cell is a regression before a second measurement says so too, whatever else is wrong with other cells.
compare()
{
    check compare "a results file" "$@"
    begin
    measure "$out"
    code=0
    ./muster compare "$base" "$out" "$@" -o "$out" >"$out/compared" || code=$?
    if grep -qE '"slower(_once)?": [1-9]' "$out/verdict.json" 2>/dev/null; then
        echo "regress: something is slower; measuring once more" >&2
        measure "$out/again"
        exec ./muster compare "$base" "$out" "$out/again" "$@" -o "$out"
    fi
    cat "$out/compared"
    exit "$code"
}

show_failure()
{
    echo "regress: $base ($commit) does not build; the end of $folder/log:" >&2
    tail -n 20 "$folder/log" | sed 's/^/  | /' >&2
    exit 5
}

# Puts the arguments of configure for a build like this one into $terms, quoted, and with them what make was told beside
# (it exports that). Warnings of a revision that are errors here would only be in the way.
find_terms()
{
    terms=$(test ! -x ./config.status || ./config.status --config)
    for name in CC CFLAGS CPPFLAGS LDFLAGS LIBS; do
        if value=$(printenv "$name"); then
            terms="$terms '$(printf '%s\n' "$name=$value" | sed "s/'/'\\\\''/g")'"
        fi
    done
    terms="$terms --disable-werror"
}

# A tree of its own: neither the work tree nor git's list of work trees is touched. COMMIT is what the build calls itself.
unpack()
{
    rm -rf "$folder" &&
        mkdir -p "$folder/source" &&
        git -C "$source" archive --format=tar -o "$PWD/$folder/source.tar" "$commit" &&
        tar -C "$folder/source" -xf "$folder/source.tar" &&
        rm "$folder/source.tar" &&
        git -C "$source" rev-parse --short=12 "$commit" >"$folder/source/COMMIT"
}

build()
(
    cd "$folder/source" &&
        { test -x configure || autoreconf -i; } &&
        eval "./configure $terms" &&
        "${MAKE:-make}" -j"$(getconf _NPROCESSORS_ONLN)" muster
)

provide()
{
    folder=regress/$commit
    find_terms
    if test -x "$folder/source/muster" && test "$(cat "$folder/terms" 2>/dev/null)" = "$terms"; then
        return
    fi
    echo "regress: building $base ($commit) in $folder" >&2
    unpack || die 5 "cannot unpack $base into $folder"
    build >"$folder/log" 2>&1 </dev/null || show_failure
    printf '%s\n' "$terms" >"$folder/terms"
}

if test -f "$base" && test -x "$base"; then
    duel "$base" "$@"
elif test -f "$base" || test -f "$base/results.json"; then
    compare "$@"
fi
commit=$(git -C "$source" rev-parse --verify --quiet "$base^{commit}") ||
    die 66 "'$base' is no program, no results file and no git revision of $source"
check duet "a git revision" "$@"
provide
duel "$folder/source/muster" "$@"
