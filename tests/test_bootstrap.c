/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_bootstrap.c - the shell scripts: ./bootstrap, the GNUmakefile, the adding up of tests/run, and `make regress`.
 *
 * Each case is one of tests/test_bootstrap.sh, which builds a system of stand-ins (four package managers, with and
 * without root) in this test's folder, or of tests/test_make.sh and tests/test_regress.sh, which do so for theirs;
 * without network and without touching the machine. */
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANAGER_CASES(X, manager, name)                                                                                \
    X(name##_root, manager "_all_as_root", "installs everything as root")                                              \
    X(name##_sudo, manager "_all_by_sudo", "installs everything by sudo")                                              \
    X(name##_lists, manager "_empty_lists", "refreshes empty lists")                                                   \
    X(name##_user, manager "_not_permitted", "prints the command that works where it may not install")                 \
    X(name##_no_install, manager "_told_not_to", "installs nothing under MUSTER_NO_INSTALL=1")                         \
    X(name##_fails, manager "_broken", "says when the package manager fails")

#define MAKE_CASES(X)                                                                                                  \
    X(make_fresh, "fresh", "sets everything up, once")                                                                 \
    X(make_parallel, "parallel", "is configured once under -j, and its goals come one by one")                         \
    X(make_options, "options", "hands options to configure")                                                           \
    X(make_gives_up, "gives_up", "stops where bootstrap does")                                                         \
    X(make_distclean, "distclean", "has nothing to clean at first, and begins anew afterwards")                        \
    X(run_totals, "totals", "adds up programs")                                                                        \
    X(run_failure, "failure", "fails with a test")                                                                     \
    X(run_crash, "crash", "counts a program without totals as a failure")                                              \
    X(run_nothing, "nothing", "fails when no test ran")

#define REGRESS_CASES(X)                                                                                               \
    X(regress_binary, "binary", "duels another build")                                                                 \
    X(regress_file, "file", "measures a file's cells once more and compares")                                          \
    X(regress_kept, "kept", "refuses a base where its own measurement is to go")                                       \
    X(regress_revision, "revision", "builds a revision once, with this build's flags")                                 \
    X(regress_broken, "broken", "shows why a revision does not build")                                                 \
    X(regress_wrong, "wrong", "says what is wrong with a base")

#define CASES(X)                                                                                                       \
    MANAGER_CASES(X, "apt-get", apt)                                                                                   \
    MANAGER_CASES(X, "dnf", dnf)                                                                                       \
    MANAGER_CASES(X, "pacman", pacman)                                                                                 \
    MANAGER_CASES(X, "zypper", zypper)                                                                                 \
    X(apt_cache, "apt_cache_knows_nothing", "updates apt's lists first where apt has not heard of a package")          \
    X(nothing_missing, "nothing_missing", "calls no package manager when nothing is missing, and runs twice")          \
    X(no_sudo, "no_sudo", "gives up without root and without sudo")                                                    \
    X(no_manager, "no_manager", "gives up without a package manager")                                                  \
    X(no_pkg_config, "no_pkg_config", "cannot find libraries without pkg-config")                                      \
    X(gnuplot_missing, "gnuplot_missing_no_install", "only warns without gnuplot")                                     \
    X(libsodium_missing, "libsodium_missing_no_install", "only warns without libsodium")                               \
    X(cunit_missing, "cunit_missing_no_install", "only warns without CUnit")                                           \
    X(optional_unavailable, "optional_unavailable", "installs the rest where CUnit is not to be had")                  \
    X(own_compiler, "own_compiler", "takes the compiler of CC")                                                        \
    X(autoreconf_fails, "autoreconf_fails", "fails when autoreconf fails")                                             \
    X(from_elsewhere, "from_elsewhere", "works from any folder")

static void case_run(const char *script, const char *name, const char *what)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        execl("/bin/sh", "sh", frame_source(script), name, frame_folder(), frame_source(what), NULL);
        _exit(127);
    }
    CU_ASSERT_FATAL(pid > 0);
    CU_ASSERT(waitpid(pid, &status, 0) == pid);
    CU_ASSERT_EQUAL(status, 0);
}

#define CASE_FUNCTION(name, words, title)                                                                              \
    static void test_##name(void)                                                                                      \
    {                                                                                                                  \
        case_run("tests/test_bootstrap.sh", words, "bootstrap");                                                       \
    }
#define MAKE_FUNCTION(name, words, title)                                                                              \
    static void test_##name(void)                                                                                      \
    {                                                                                                                  \
        case_run("tests/test_make.sh", words, ".");                                                                    \
    }
#define REGRESS_FUNCTION(name, words, title)                                                                           \
    static void test_##name(void)                                                                                      \
    {                                                                                                                  \
        case_run("tests/test_regress.sh", words, ".");                                                                 \
    }
#define REGRESS_ROW(name, words, title) {"make: " #name ": " title, test_##name, 0},
#define MAKE_ROW(name, words, title)    {"make: " #name ": " title, test_##name, 0},
#define CASE_ROW(name, words, title)    {"bootstrap: " #name ": " title, test_##name, 0},

CASES(CASE_FUNCTION)
MAKE_CASES(MAKE_FUNCTION)
REGRESS_CASES(REGRESS_FUNCTION)

int main(int argc, char **argv)
{
    static const struct test tests[] = {CASES(CASE_ROW) MAKE_CASES(MAKE_ROW) REGRESS_CASES(REGRESS_ROW){NULL, NULL, 0}};

    return frame_main(argc, argv, tests);
}
