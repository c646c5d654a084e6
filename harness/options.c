/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * options.c - the engine over getopt_long: errors that name the option and the nearest known one, and --help.
 *
 * getopt_long's own messages are off, since they name no neighbour and the program by its path. What went wrong is
 * worked out from its return value and from where it stands in argv. */
#include "harness/options.h"

#include "harness/suggest.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP = 0x100, FIRST, WIDTH = 80, TEXT_COLUMN = 28 };

static size_t options_number(const struct option_spec *options)
{
    size_t count = 0;

    while (options[count].name != NULL)
        count++;
    return count;
}

void options_wrap(const char *text, unsigned column)
{
    options_wrap_to(WIDTH, text, column);
}

void options_wrap_to(unsigned width, const char *text, unsigned column)
{
    size_t at = column;

    while (*text != '\0') {
        size_t word = strcspn(text, " ");

        if (at > column && at + 1 + word > width) {
            printf("\n%*s", (int)column, "");
            at = column;
        } else if (at > column) {
            putchar(' ');
            at++;
        }
        fwrite(text, 1, word, stdout);
        at += word;
        text += word;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void help_line(const struct option_spec *option)
{
    char text[1024];
    int width =
        option->letter != 0 ? printf("  -%c, --%s", option->letter, option->name) : printf("      --%s", option->name);

    if (option->argument != NULL)
        width += printf(" %s", option->argument);
    if (width + 2 > TEXT_COLUMN)
        printf("\n%*s", TEXT_COLUMN, "");
    else
        printf("%*s", TEXT_COLUMN - width, "");
    if (option->preset != NULL)
        snprintf(text, sizeof text, "%s (default: %s)", option->help, option->preset);
    else
        snprintf(text, sizeof text, "%s", option->help);
    options_wrap(text, TEXT_COLUMN);
}

void options_help(const struct command_spec *spec)
{
    static const struct option_spec help = {.name = "help", .letter = 'h', .help = "show this and end"};

    printf("usage: muster %s [options]%s%s\n\n", spec->name, spec->operands != NULL ? " " : "",
           spec->operands != NULL ? spec->operands : "");
    options_wrap(spec->summary, 0);
    putchar('\n');
    for (const struct option_spec *option = spec->options; option->name != NULL; option++)
        help_line(option);
    help_line(&help);
    if (spec->notes != NULL)
        printf("\n%s\n", spec->notes);
}

/* A letter that getopt_long could not take is in optopt; a long name stands just before optind. */
static int options_unknown(const struct command_spec *spec, char **argv, struct problem *problem)
{
    const char *typed = argv[optind - 1];
    struct suggestion suggestion;
    char name[128];
    unsigned begins = 0;

    if (optopt > 0 && optopt < HELP)
        return problem_set(problem, EXIT_USAGE, "unknown option '-%c'; see muster %s --help", optopt, spec->name);
    typed += strspn(typed, "-");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(typed, "="), typed);
    if (optopt != 0)
        return problem_set(problem, EXIT_USAGE, "option --%s takes no value", name);
    suggestion = (struct suggestion){.wrong = name};
    suggest_offer(&suggestion, "help");
    for (const struct option_spec *option = spec->options; option->name != NULL; option++) {
        begins += strncmp(option->name, name, strlen(name)) == 0;
        suggest_offer(&suggestion, option->name);
    }
    if (begins > 1)
        return problem_set(problem, EXIT_USAGE, "option '--%s' could be several; see muster %s --help", name,
                           spec->name);
    if (suggestion.nearest != NULL)
        return problem_set(problem, EXIT_USAGE, "unknown option '--%s'; did you mean '--%s'?", name,
                           suggestion.nearest);
    return problem_set(problem, EXIT_USAGE, "unknown option '--%s'; see muster %s --help", name, spec->name);
}

static int options_missing(const struct command_spec *spec, struct problem *problem)
{
    for (size_t i = 0; i < options_number(spec->options); i++)
        if (optopt == FIRST + (int)i || optopt == spec->options[i].letter)
            return problem_set(problem, EXIT_USAGE, "option --%s needs a value: %s", spec->options[i].name,
                               spec->options[i].argument);
    return problem_set(problem, EXIT_USAGE, "an option needs a value; see muster %s --help", spec->name);
}

static const struct option_spec *options_found(const struct option_spec *options, int value)
{
    if (value >= FIRST)
        return &options[value - FIRST];
    while (options->letter != value)
        options++;
    return options;
}

static int options_loop(const struct command_spec *spec, int argc, char **argv, const char *letters,
                        const struct option *longs, struct problem *problem)
{
    int value;

    /* 0, not 1: glibc then forgets what it knew of an earlier argv. */
    optind = 0;
    opterr = 0;
    while ((value = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        const struct option_spec *option;

        if (value == HELP || value == 'h') {
            options_help(spec);
            return 0;
        }
        if (value == '?')
            return options_unknown(spec, argv, problem);
        if (value == ':')
            return options_missing(spec, problem);
        option = options_found(spec->options, value);
        if (option->parse(option, optarg, problem) != 0)
            return -1;
    }
    if (spec->operands == NULL && optind < argc)
        return problem_set(problem, EXIT_USAGE, "muster %s takes no argument '%s'; see muster %s --help", spec->name,
                           argv[optind], spec->name);
    return optind;
}

int options_parse(const struct command_spec *spec, int argc, char **argv, struct problem *problem)
{
    size_t count = options_number(spec->options);
    struct option *longs = calloc(count + 2, sizeof *longs);
    char *letters = calloc(2 * count + 3, 1), *letter = letters;
    int result = -1;

    if (longs == NULL || letters == NULL) {
        problem_set(problem, EXIT_UNPROVED, "out of memory for the options");
        goto free_tables;
    }
    *letter++ = ':';
    *letter++ = 'h';
    longs[count] = (struct option){.name = "help", .has_arg = no_argument, .val = HELP};
    for (size_t i = 0; i < count; i++) {
        const struct option_spec *option = &spec->options[i];
        bool valued = option->argument != NULL;

        longs[i] = (struct option){
            .name = option->name, .has_arg = valued ? required_argument : no_argument, .val = FIRST + (int)i};
        if (option->letter == 0)
            continue;
        *letter++ = option->letter;
        if (valued)
            *letter++ = ':';
    }
    result = options_loop(spec, argc, argv, letters, longs, problem);
free_tables:
    free(longs);
    free(letters);
    return result;
}
