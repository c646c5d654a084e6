#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# test_regress.sh - one case of harness/regress.sh, with stand-ins for what it calls; test_bootstrap.c runs them.
#
# usage: test_regress.sh CASE FOLDER SOURCE-FOLDER. FOLDER is the build folder: its muster only logs, and so do git, tar,
# autoreconf and the configure and make of the revision.
set -eu
case_name=$1 folder=$2 source=$3
unset MAKEFLAGS MFLAGS MAKELEVEL CC CFLAGS CPPFLAGS LDFLAGS LIBS MAKE
log=$folder/log said=$folder/said
cd "$folder"
: >"$log"
export log
mkdir bin
PATH=$folder/bin:$PATH

fail() { echo "$case_name: $*"; echo "-- said:"; cat "$said"; echo "-- called:"; cat "$log"; exit 1; }

script()
{
    { echo '#!/bin/sh'; cat; } >"$1"
    chmod +x "$1"
}
script muster <<'END'
case $* in *--help) exit "${HELP_CODE-0}" ;; esac
echo "muster $*" >>"$log"
case $1 in
run) exit "${RUN_CODE-0}" ;;
compare)
    echo "compared by $#"
    echo "\"counts\": {\"cells\": 12, \"slower\": 0, \"slower_once\": ${SLOWER-0}}" >results/regress/verdict.json
    case $4 in *again) exit 1 ;; *) exit "${COMPARE_CODE-0}" ;; esac ;;
*) exit "${DUET_CODE-0}" ;;
esac
END
# knows one revision, whose tree is empty until `autoreconf` has been there
script bin/git <<'END'
case $* in
*--verify*v1^*) echo 0123456789abcdef ;;
*--verify*) exit 1 ;;
*--short=12*) echo 0123456789ab ;;
*archive*) echo "git archive" >>"$log"; while test "$1" != -o; do shift; done; : >"$2" ;;
esac
END
script bin/tar <<'END'
END
script bin/autoreconf <<'END'
echo autoreconf >>"$log"
cat >configure <<'INNER'
#!/bin/sh
echo "configure$(printf ' <%s>' "$@")" >>"$log"
INNER
chmod +x configure
END
script bin/make <<'END'
echo "make ${*##*-j[0-9]* }" >>"$log"
test "$(cat COMMIT)" = 0123456789ab || exit 9
test -z "${BROKEN-}" || { echo "main.c:1: error: broken"; exit 2; }
: >muster
chmod +x muster
END

run()
{
    code=0
    sh "$source/harness/regress.sh" "$@" >"$said" 2>&1 </dev/null || code=$?
}
ends_with() { test "$code" = "$1" || fail "exit code $code instead of $1"; }
logged()    { test "$(cat "$log")" = "$1" || fail "did not call: $1"; }
says()      { grep -qF -- "$1" "$said" || fail "does not say: $1"; }

tree=regress/0123456789abcdef
duel_of() { echo "muster duet --base $1 --candidate ./muster${2+ $2} -o results/regress"; }
case $case_name in
binary)
    cp muster other
    DUET_CODE=3
    export DUET_CODE
    mkdir -p results/regress/again
    : >results/regress/verdict.json
    : >results/regress/report.html
    run other "$source" -t 9s
    ends_with 3
    test -z "$(ls results/regress)" || fail "something earlier is still there"
    run "$folder/other" "$source"
    logged "$(duel_of ./other '-t 9s')
$(duel_of "$folder/other")" ;;
file)
    mkdir "old results"
    : >"old results/results.json"
    run "old results" "$source" --vary code
    ends_with 0
    RUN_CODE=5 run "old results/results.json" "$source"
    ends_with 0
    logged "muster run --like old results -o results/regress --format none
muster compare old results results/regress --vary code -o results/regress
muster run --like old results/results.json -o results/regress --format none
muster compare old results/results.json results/regress -o results/regress"
    says "compared by 5"
    # inconclusive, and nothing slower
    COMPARE_CODE=3 run "old results" "$source"
    ends_with 3
    # a cell that is missing or failed hides no other
    for found in 3 4 5; do
        : >"$log"
        COMPARE_CODE=$found SLOWER=2 run "old results" "$source"
        ends_with 1
        logged "muster run --like old results -o results/regress --format none
muster compare old results results/regress -o results/regress
muster run --like old results -o results/regress/again --format none
muster compare old results results/regress results/regress/again -o results/regress"
        says "measuring once more"
        says "compared by 6"
    done
    RUN_CODE=130
    export RUN_CODE
    run "old results" "$source"
    ends_with 130 ;;
kept)
    # what was measured the last time, by whatever name
    mkdir -p results/regress/again
    echo kept >results/regress/results.json
    ln -s results/regress/results.json link.json
    ln -s regress/again results/latest
    cp results/regress/results.json results/regress/again
    for base in results/regress ./results/regress/results.json results/regress/again link.json results/latest; do
        run "$base" "$source"
        ends_with 64
        says "'$base' lies in results/regress, where what comes of this is to go: copy it elsewhere first"
    done
    test "$(cat results/regress/results.json results/regress/again/results.json)" = "kept
kept" || fail "the base is gone"
    logged '' ;;
revision)
    script config.status <<'END'
test "$1" = --config && echo "--with-it 'CFLAGS=-O1 -g' 'LIBS=it'\''s'"
END
    CC='gcc -m64' CFLAGS="-O3 -DX=it's"
    export CC CFLAGS
    run v1 "$source" -t 9s
    ends_with 0
    says "building v1"
    # the second time it is there already
    run v1 "$source"
    ends_with 0
    built="git archive
autoreconf
configure <--with-it> <CFLAGS=-O1 -g> <LIBS=it's> <CC=gcc -m64> <CFLAGS=-O3 -DX=it's> <--disable-werror>
make muster"
    logged "$built
$(duel_of $tree/source/muster '-t 9s')
$(duel_of $tree/source/muster)"
    # other flags, another build
    : >"$log"
    CFLAGS=''
    run v1 "$source"
    built=$(echo "$built" | sed 's/<CFLAGS=-O3[^>]*>/<CFLAGS=>/')
    logged "$built
$(duel_of $tree/source/muster)"
    # and so is another configuration
    : >"$log"
    sed -i s/--with-it/--with-more/ config.status
    run v1 "$source"
    logged "$(echo "$built" | sed s/--with-it/--with-more/)
$(duel_of $tree/source/muster)" ;;
broken)
    BROKEN=1
    export BROKEN
    run v1 "$source"
    ends_with 5
    says "v1 (0123456789abcdef) does not build"
    says "  | main.c:1: error: broken"
    unset BROKEN
    run v1 "$source"
    ends_with 0 ;;
wrong)
    # options are looked at before anything is measured or built
    mkdir old
    : >old/results.json
    HELP_CODE=64
    export HELP_CODE
    run old "$source" -t 3m
    ends_with 64
    says "options of muster compare, since BASE is a results file"
    run v1 "$source" --vary code
    ends_with 64
    says "options of muster duet, since BASE is a git revision"
    cp muster other
    run other "$source" --vary code
    ends_with 64
    says "options of muster duet, since BASE is a build"
    test ! -e results && test ! -e regress || fail "something was begun"
    unset HELP_CODE
    run '' "$source"
    ends_with 64
    says "make regress BASE=REF|BINARY|FILE"
    run v2 "$source"
    ends_with 66
    says "'v2' is no program, no results file and no git revision"
    cp muster 'an other'
    run 'an other' "$source"
    ends_with 64
    says "a path with a blank"
    logged '' ;;
*)
    echo "no such case: $case_name"; exit 1 ;;
esac
