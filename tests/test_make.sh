#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# test_make.sh - one case of GNUmakefile or of tests/run, with stand-ins for what they call; test_bootstrap.c runs them.
#
# usage: test_make.sh CASE FOLDER SOURCE-FOLDER. In FOLDER a clone is made of GNUmakefile and a bootstrap and a configure
# that only log and write a small Makefile; the test programs that tests/run gets are a few lines of shell.
set -eu
case_name=$1 folder=$2 source=$3
unset MAKEFLAGS MFLAGS MAKELEVEL CONFIGUREFLAGS MUSTER_TESTS
log=$folder/log said=$folder/said
: >"$log"
cp "$source/GNUmakefile" "$folder"
cd "$folder"

fail() { echo "$case_name: $*"; echo "-- said:"; cat "$said"; echo "-- called:"; cat "$log"; exit 1; }

script()
{
    { echo '#!/bin/sh'; cat; } >"$1"
    chmod +x "$1"
}
script bootstrap <<'END'
echo "bootstrap" >>log
test ! -e bootstrap-fails
END
script configure <<'END'
echo "configure $*${CFLAGS+ CFLAGS=$CFLAGS}" >>log
sleep 0.1
printf 'all check bench:\n\t@echo "real $@" >>log\ndistclean:\n\trm -f Makefile\n' >Makefile
END

run()
{
    code=0
    "$@" >"$said" 2>&1 </dev/null || code=$?
}
ends_with() { test "$code" = "$1" || fail "exit code $code instead of $1"; }
says()      { grep -qxF "$1" "$said" || fail "does not say '$1'"; }
last_line() { test "$(tail -n 1 "$said")" = "$1" || fail "the last line is not '$1'"; }
logged()    { test "$(cat "$log")" = "$1" || fail "did not call: $1"; }

# program NAME CODE LAST-LINE [LINE]
program() { printf 'echo "%s"\necho "%s"\nexit %s\n' "${4-ok   one}" "$3" "$2" | script "$1"; }
run_suite() { run sh "$source/tests/run" "$@"; }

configured='bootstrap
configure '
case $case_name in
fresh)
    run make
    ends_with 0
    logged "$configured
real all"
    # the second time the real Makefile is all there is
    run make check
    ends_with 0
    logged "$configured
real all
real check" ;;
parallel)
    run make -j4 check bench
    ends_with 0
    logged "$configured
real check
real bench" ;;
options)
    run make CFLAGS=-O3 CONFIGUREFLAGS=--prefix=/opt check
    ends_with 0
    logged "bootstrap
configure --prefix=/opt CFLAGS=-O3
real check" ;;
gives_up)
    : >bootstrap-fails
    run make bench
    ends_with 2
    logged bootstrap ;;
distclean)
    run make distclean
    ends_with 0
    logged ''
    run make check
    run make distclean
    ends_with 0
    test ! -e Makefile || fail "the Makefile is still there"
    run make check
    logged "$configured
real check
$configured
real check" ;;
totals)
    program a 0 '2 passed, 0 failed, 0 skipped'
    program b 0 '30 passed, 0 failed, 1 skipped'
    run_suite ./a b
    ends_with 0; last_line '32 passed, 0 failed, 1 skipped'
    run_suite ./a
    ends_with 0; last_line '2 passed, 0 failed' ;;
failure)
    program a 1 '2 passed, 3 failed, 0 skipped' 'FAIL one'
    program b 0 '4 passed, 0 failed, 0 skipped'
    run_suite ./a ./b
    ends_with 1; last_line '6 passed, 3 failed'
    # what failed, and what did not hold, are there at the end once more
    printf '%s\n' 'ok   zero' 'FAIL one' '     | noise' '     | 2' '     | 3' '     | 4' '     | 5' '     | 6' \
        '     | here.c:7: a == b' 'ok   two' '     | fine' 'FAIL three: killed by signal 9' >lines
    printf 'cat lines\necho "2 passed, 2 failed, 0 skipped"\nexit 1\n' | script a
    run_suite ./a ./b
    ends_with 1; last_line '6 passed, 2 failed'
    test "$(tail -n 10 "$said" | sed 's/^     | //' | tr '\n' ' ')" = \
        'FAIL one 2 3 4 5 6 here.c:7: a == b FAIL three: killed by signal 9 failed in: a 6 passed, 2 failed ' ||
        fail "the end does not say what failed" ;;
crash)
    program a 0 '2 passed, 0 failed, 0 skipped'
    program b 139 'ok   two'
    run_suite ./a ./b
    ends_with 1; last_line '2 passed, 1 failed'
    # a sanitizer's complaint after the totals
    program b 23 '4 passed, 0 failed, 0 skipped'
    run_suite ./a ./b
    ends_with 1; last_line '6 passed, 1 failed'
    says 'FAIL b: ended with code 23'
    run_suite ./a ./no-such-program
    ends_with 1; last_line '2 passed, 1 failed' ;;
nothing)
    run_suite
    ends_with 1; last_line '0 passed, 0 failed'
    program a 77 '0 passed, 0 failed, 2 skipped' 'skip one'
    run_suite ./a
    ends_with 1; last_line '0 passed, 0 failed, 2 skipped' ;;
*)
    echo "no such case: $case_name"; exit 1 ;;
esac
