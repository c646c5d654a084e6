/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * commands.c - choosing a command, and what is the same around each of them.
 *
 * --help and --version are the only options that come before a command's name. */
#include "config.h"

#include "harness/commands.h"
#include "harness/options.h"
#include "harness/problem.h"
#include "harness/suggest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int commands_help(const struct command *commands)
{
    printf("usage: muster COMMAND [options]\n\n");
    options_wrap("Measures what it costs worker processes to share work and data on this machine, which way of sharing "
                 "wins for a given job, and why.",
                 0);
    putchar('\n');
    for (; commands->name != NULL; commands++) {
        printf("  %-10s", commands->name);
        options_wrap(commands->summary, 12);
    }
    printf("\nmuster COMMAND --help shows a command's options, muster --version the version.\n");
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
    }
    for (; !option && commands->name != NULL; commands++)
        suggest_offer(&suggestion, commands->name);
    problem_set(&problem, EXIT_USAGE, "unknown %s '%s'%s", option ? "option" : "command", typed,
                suggestion.nearest != NULL ? suggest_clause(&suggestion) : "; see muster --help");
    return problem_print(&problem);
}

int commands_run(const struct command *commands, int argc, char **argv)
{
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
    for (const struct command *command = commands; command->name != NULL; command++)
        if (strcmp(command->name, argv[1]) == 0)
            return command->run(argc - 1, argv + 1);
    return commands_unknown(commands, argv[1]);
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
