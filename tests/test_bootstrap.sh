#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# test_bootstrap.sh - one case of ./bootstrap on a system that is made of stand-ins; test_bootstrap.c runs them all.
#
# usage: test_bootstrap.sh CASE FOLDER BOOTSTRAP. In FOLDER a PATH is built that holds stand-ins for the package
# managers, for sudo, id, pkg-config and autoreconf, and the few real tools that bootstrap needs. What is "installed"
# are files in that PATH and in have/; the stand-ins log each call. Nothing outside FOLDER is touched.
set -eu
case_name=$1 folder=$2 bootstrap=$3
bin=$folder/bin have=$folder/have log=$folder/log
mkdir -p "$bin" "$have" "$folder/clone"
cp "$bootstrap" "$folder/clone/bootstrap"
: >"$log"

fail() { echo "$case_name: $*"; echo "-- bootstrap said:"; cat "$folder/said"; echo "-- it called:"; cat "$log"; exit 1; }

# The packages of each manager, and what they bring
cat >"$folder/packages" <<'END'
apt-get gcc gcc
apt-get libc6-dev -
apt-get make -
apt-get autoconf autoconf
apt-get automake automake
apt-get pkg-config pkg-config
apt-get libhwloc-dev hwloc
apt-get libjansson-dev jansson
apt-get libgsl-dev gsl
apt-get libcunit1-dev cunit
apt-get gnuplot-nox gnuplot
apt-get libsodium-dev libsodium
dnf gcc gcc
dnf make -
dnf autoconf autoconf
dnf automake automake
dnf pkgconf-pkg-config pkg-config
dnf hwloc-devel hwloc
dnf jansson-devel jansson
dnf gsl-devel gsl
dnf CUnit-devel cunit
dnf gnuplot gnuplot
dnf libsodium-devel libsodium
pacman gcc gcc
pacman make -
pacman autoconf autoconf
pacman automake automake
pacman pkgconf pkg-config
pacman hwloc hwloc
pacman jansson jansson
pacman gsl gsl
pacman cunit cunit
pacman gnuplot gnuplot
pacman libsodium libsodium
zypper gcc gcc
zypper make -
zypper autoconf autoconf
zypper automake automake
zypper pkg-config pkg-config
zypper hwloc-devel hwloc
zypper libjansson-devel jansson
zypper gsl-devel gsl
zypper cunit-devel cunit
zypper gnuplot gnuplot
zypper libsodium-devel libsodium
END

stand_in()
{
    { echo "#!/bin/sh"; cat; } >"$bin/$1"
    chmod +x "$bin/$1"
}

# What a package brings: a library for pkg-config, or a program
bring()
{
    case $1 in
    -) ;;
    hwloc | jansson | gsl | cunit | libsodium) : >"$have/$1" ;;
    autoconf) : | stand_in autoconf; stand_in autoreconf <<END
echo "autoreconf \$*" >>"$log"
test ! -e "$folder/autoreconf-fails"
END
        ;;
    automake) : | stand_in automake; : | stand_in aclocal ;;
    pkg-config) stand_in pkg-config <<END
test "\$1" = --exists && test -e "$have/\${2%% *}"
END
        ;;
    *) : | stand_in "$1" ;;
    esac
}

manager()
{
    stand_in "$1" <<END
echo "$1 \$*" >>"$log"
read -r answer && { echo "$1: somebody could answer me"; exit 1; }
test -e "$folder/is-root" || test -n "\${STAND_IN_SUDO-}" || { echo "$1: permission denied"; exit 13; }
test ! -e "$folder/manager-fails" || exit 100
case " \$* " in
*" update "* | *" makecache "* | *" refresh "* | *" -Sy "*) : >"$folder/lists"; exit 0 ;;
esac
test -e "$folder/lists" || { echo "$1: no such package"; exit 100; }
for word; do
    case \$word in -* | install | *::*) continue ;; esac
    brings=\$(sed -n "s/^$1 \$word //p" "$folder/packages")
    test -n "\$brings" || { echo "$1: unknown package \$word"; exit 100; }
    grep -qx "\$brings" "$folder/unavailable" 2>/dev/null && exit 100
    "$folder/bring" "\$brings"
done
END
}

# The stand-ins are other processes: they get bring() as a program.
{
    echo '#!/bin/sh'
    echo "folder='$folder' bin='$bin' have='$have' log='$log'"
    sed -n '/^stand_in()/,/^}/p; /^bring()/,/^}/p' "$0"
    echo 'bring "$1"'
} >"$folder/bring"
chmod +x "$folder/bring"

# not by `command -v`, which gives only the name of what the shell has built in
real_tool()
{
    old_ifs=$IFS IFS=:
    for place in $PATH; do
        test -x "$place/$1" && break
    done
    IFS=$old_ifs
    ln -s "$place/$1" "$bin/$1"
}
for tool in sh cat env dirname sed grep chmod rm ls true; do
    real_tool $tool
done
everything='gcc autoconf automake pkg-config hwloc jansson gsl cunit gnuplot libsodium'
bring_all_but()
{
    for thing in $everything; do
        case " $* " in *" $thing "*) ;; *) bring "$thing" ;; esac
    done
}
as_root() { : >"$folder/is-root"; echo 'echo 0' | stand_in id; }
as_user() { echo 'echo 1000' | stand_in id; }
with_sudo()
{
    stand_in sudo <<END
test "\$1" = -n || { echo "sudo: password?"; exit 1; }
shift
export STAND_IN_SUDO=1
exec "\$@"
END
}
with_asking_sudo() { echo 'echo "sudo: a password is required" >&2; exit 1' | stand_in sudo; }
with_lists() { : >"$folder/lists"; }

# Runs it; its exit code in $code
run()
{
    code=0
    env -i PATH="$bin" HOME="$folder" "$@" "$bin/sh" "$folder/clone/bootstrap" >"$folder/said" 2>&1 </dev/null || code=$?
}
ends_with() { test "$code" = "$1" || fail "exit code $code instead of $1"; }
says()      { grep -qF -- "$1" "$folder/said" || fail "did not say '$1'"; }
says_not()  { ! grep -qF -- "$1" "$folder/said" || fail "said '$1'"; }
called()    { grep -qF -- "$1" "$log" || fail "did not call '$1'"; }
called_not() { ! grep -qF -- "$1" "$log" || fail "called '$1'"; }
went_on()   { ends_with 0; called 'autoreconf -fi'; }
gave_up()   { ends_with 1; called_not 'autoreconf'; }

all_names='compiler autoconf automake pkg-config hwloc jansson GSL CUnit gnuplot libsodium'
case $case_name in
*_all_as_root)
    with_lists; as_root; manager "${case_name%_all_as_root}"
    run
    says "missing: $all_names"; went_on ;;
*_all_by_sudo)
    with_lists; as_user; with_sudo; manager "${case_name%_all_by_sudo}"
    run
    says "missing: $all_names"; went_on ;;
*_empty_lists)
    as_root; manager "${case_name%_empty_lists}"; bring_all_but hwloc cunit
    run
    says 'missing: hwloc CUnit'; went_on ;;
*_not_permitted)
    with_lists; as_user; with_asking_sudo; manager "${case_name%_not_permitted}"; bring_all_but jansson gsl
    run
    says 'missing: jansson GSL'; says 'cannot go on without: jansson GSL'; gave_up
    called_not "${case_name%_not_permitted}"
    # the command that it prints does install what is missing
    command=$(sed -n 's/^bootstrap:     //p' "$folder/said")
    case $command in "sudo "*) ;; *) fail "no command for sudo: '$command'" ;; esac
    echo 'STAND_IN_SUDO=1 exec "$@"' | stand_in sudo
    env -i PATH="$bin" "$bin/sh" -c "$command" </dev/null || fail "its command failed: $command"
    run
    says_not missing; went_on ;;
*_told_not_to)
    with_lists; as_root; manager "${case_name%_told_not_to}"; bring_all_but hwloc
    run MUSTER_NO_INSTALL=1
    says 'missing: hwloc'; says 'MUSTER_NO_INSTALL=1'; says "    ${case_name%_told_not_to}"; says_not sudo; gave_up
    called_not "${case_name%_told_not_to}" ;;
*_broken)
    with_lists; as_root; manager "${case_name%_broken}"; bring_all_but automake
    : >"$folder/manager-fails"
    run
    says "${case_name%_broken} failed"; says 'cannot go on without: automake'; gave_up ;;
apt_cache_knows_nothing)
    as_root; manager apt-get; bring_all_but gsl
    stand_in apt-cache <<END
test ! -e "$folder/lists" || echo "Package: \$2"
END
    run
    went_on
    case $(head -n 1 "$log") in *' update') ;; *) fail "did not update the lists first" ;; esac ;;
nothing_missing)
    as_user; bring_all_but; manager apt-get
    run
    says_not missing; went_on; called_not apt-get
    run
    went_on ;;
no_sudo)
    as_user; bring_all_but gcc; manager dnf
    run
    says 'missing: compiler'; says '    sudo dnf install'; gave_up ;;
no_manager)
    as_root; bring_all_but gsl
    run
    says 'missing: GSL'; says 'none of apt-get, dnf, pacman and zypper'; gave_up ;;
no_pkg_config)
    as_root; bring_all_but pkg-config
    run MUSTER_NO_INSTALL=1
    says 'cannot go on without: pkg-config hwloc jansson GSL'; gave_up ;;
gnuplot_missing_no_install)
    as_root; bring_all_but gnuplot; manager pacman
    run MUSTER_NO_INSTALL=1
    says 'missing: gnuplot'; says 'without gnuplot, reports come without pictures'; went_on; called_not pacman ;;
libsodium_missing_no_install)
    as_root; bring_all_but libsodium; manager dnf
    run MUSTER_NO_INSTALL=1
    says 'missing: libsodium'; says 'dnf install -y libsodium-devel'; says 'without libsodium'; went_on; called_not dnf ;;
cunit_missing_no_install)
    as_user; bring_all_but cunit; manager zypper
    run MUSTER_NO_INSTALL=1
    says 'without CUnit, make check cannot run'; went_on; called_not zypper ;;
optional_unavailable)
    with_lists; as_root; manager dnf; bring_all_but hwloc cunit
    echo cunit >"$folder/unavailable"
    run
    says 'dnf failed'; says 'without CUnit'; went_on ;;
own_compiler)
    as_root; bring_all_but gcc; : | stand_in my-cc
    run CC='my-cc -m64' MUSTER_NO_INSTALL=1
    says_not missing; went_on
    run CC=no-such-cc MUSTER_NO_INSTALL=1
    says 'missing: compiler'; ends_with 1 ;;
autoreconf_fails)
    as_root; bring_all_but
    : >"$folder/autoreconf-fails"
    run
    says 'autoreconf failed'; ends_with 1 ;;
from_elsewhere)
    as_root; bring_all_but
    stand_in autoreconf <<END
echo "autoreconf \$*" >>"$log"
pwd -P >"$folder/where"
END
    cd /
    run
    went_on
    test "$(cat "$folder/where")" = "$(cd "$folder/clone" && pwd -P)" || fail "autoreconf ran in $(cat "$folder/where")" ;;
*)
    echo "no such case: $case_name"; exit 1 ;;
esac
