/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * commands.c - choosing a command, and what is the same around each of them.
 *
 * --help, --version and --handicap are the only options that come before a command's name; `help` is there for who
 * looks for it as a command. */
#include "config.h"

#include "harness/commands.h"
#include "harness/handicap.h"
#include "harness/options.h"
#include "harness/problem.h"
#include "harness/suggest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int commands_help(const struct command *commands)
{
    printf("usage: muster [--handicap PCT] COMMAND [options]\n\n");
    options_wrap("Measures what it costs worker processes to share work and data on this machine, which way of sharing "
                 "wins for a given job, and why.",
                 0);
    putchar('\n');
    for (; commands->name != NULL; commands++) {
        printf("  %-10s", commands->name);
        options_wrap(commands->summary, 12);
    }
    putchar('\n');
    options_wrap(
        "muster COMMAND --help, or muster help COMMAND, shows a command's options, muster --version the version.", 0);
    putchar('\n');
    options_wrap(
        "--handicap PCT, before run or trial, makes trials report their times stretched by that much: a slowdown "
        "of exactly known size, by which a gate is shown to be able to fail. One side of a duet has it in its command.",
        0);
    return EXIT_FINE;
}

static int commands_unknown(const struct command *commands, const char *typed)
{
    struct suggestion suggestion = {.wrong = typed};
    struct problem problem;
    bool option = typed[0] == '-';

    if (option) {
        suggest_offer(&suggestion, "--help");
        suggest_offer(&suggestion, "--version");
        suggest_offer(&suggestion, "--handicap");
    }
    if (!option)
        suggest_offer(&suggestion, "help");
    for (; !option && commands->name != NULL; commands++)
        suggest_offer(&suggestion, commands->name);
    problem_set(&problem, EXIT_USAGE, "unknown %s '%s'%s", option ? "option" : "command", typed,
                suggestion.nearest != NULL ? suggest_clause(&suggestion) : "; see muster --help");
    return problem_print(&problem);
}

static const struct command *commands_find(const struct command *commands, const char *name)
{
    while (commands->name != NULL && strcmp(commands->name, name) != 0)
        commands++;
    return commands->name != NULL ? commands : NULL;
}

/* `names` are what stands behind `help`. */
static int commands_help_on(const struct command *commands, int count, char **names)
{
    static char option[] = "--help";
    const struct command *command = count > 0 ? commands_find(commands, names[0]) : NULL;
    struct problem problem;

    if (count > 1) {
        problem_set(&problem, EXIT_USAGE, "muster help takes one command, not '%s' too", names[1]);
        return problem_print(&problem);
    }
    if (count == 0 || strcmp(names[0], "help") == 0)
        return commands_help(commands);
    if (command == NULL)
        return commands_unknown(commands, names[0]);
    return command->run(2, (char *[]){names[0], option, NULL});
}

/* Takes --handicap PCT from the front; returns how many arguments that were, or -1 with *problem. */
static int commands_handicap(int argc, char **argv, struct problem *problem)
{
    static const char name[] = "--handicap";
    const size_t length = sizeof name - 1;

    if (argc < 2 || strncmp(argv[1], name, length) != 0)
        return 0;
    if (argv[1][length] == '=')
        return handicap_set(argv[1] + length + 1, problem) == 0 ? 1 : -1;
    if (argv[1][length] != '\0')
        return 0;
    if (argc < 3)
        return problem_set(problem, EXIT_USAGE, "--handicap wants a percentage, as in --handicap 5%%");
    return handicap_set(argv[2], problem) == 0 ? 2 : -1;
}

/* Who asks for a slowdown and gets none would believe a gate that sees nothing. */
static int commands_choose(const struct command *commands, int argc, char **argv, bool handicapped)
{
    const struct command *command = commands_find(commands, argv[1]);
    struct problem problem;

    if (command == NULL)
        return commands_unknown(commands, argv[1]);
    if (!handicapped || command->handicap)
        return command->run(argc - 1, argv + 1);
    problem_set(&problem, EXIT_USAGE,
                "--handicap does nothing to %s: it is for run, and for one side of a duet, as in "
                "muster duet --base ./muster --candidate './muster --handicap 5%%'",
                command->name);
    return problem_print(&problem);
}

int commands_run(const struct command *commands, int argc, char **argv)
{
    struct problem problem;
    int taken = commands_handicap(argc, argv, &problem);

    if (taken < 0)
        return problem_print(&problem);
    argc -= taken;
    argv += taken;
    if (argc < 2) {
        fputs("muster: no command given; usage: muster COMMAND [options], see muster --help\n", stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return commands_help(commands);
    if (strcmp(argv[1], "--version") == 0) {
        printf("muster %s\n", PACKAGE_VERSION);
        return EXIT_FINE;
    }
    if (strcmp(argv[1], "help") == 0)
        return commands_help_on(commands, argc - 2, argv + 2);
    return commands_choose(commands, argc, argv, taken > 0);
}

int commands_finish(int code)
{
    struct problem problem;
    bool lost = ferror(stdout) != 0;

    errno = 0;
    if (fflush(stdout) == 0 && !lost)
        return code;
    problem_set(&problem, EXIT_NO_OUTPUT, "cannot write to standard output%s%s", errno != 0 ? ": " : "",
                errno != 0 ? strerror(errno) : "");
    problem_print(&problem);
    return code == EXIT_FINE ? EXIT_NO_OUTPUT : code;
}
