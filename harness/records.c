/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * records.c - where the records folder is.
 *
 * An empty variable counts as none, and a relative XDG_STATE_HOME too, as the XDG base directory specification (0.8)
 * wants it. A relative --records or MUSTER_RECORDS is the user's own word and stays. */
#include "harness/records.h"

#include <stdio.h>
#include <stdlib.h>

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static char *made(struct problem *problem, const char *folder, const char *below)
{
    char *path = NULL;
    if (asprintf(&path, "%s%s", folder, below) >= 0)
        return path;
    problem_set(problem, EXIT_UNPROVED, "no memory for the name of the records folder");
    return NULL;
}

char *records_folder(const char *asked, struct problem *problem)
{
    const char *records = asked ? asked : variable("MUSTER_RECORDS");
    const char *state = variable("XDG_STATE_HOME"), *home = variable("HOME");
    if (records)
        return made(problem, records, "");
    if (state && *state == '/')
        return made(problem, state, "/muster");
    if (home)
        return made(problem, home, "/.local/state/muster");
    problem_set(problem, EXIT_USAGE, "there is no home folder to keep records in; say --records DIR");
    return NULL;
}
