/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * errand.c - reading an errand's file whole, and showing what came of it. */
#include "harness/errand.h"
#include "bench/registry.h"

#include "reports/format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MOST (16 << 20) /* bytes */

/* Nobody gave a file, or nobody wants one. */
static int check_named(const struct workload *errand, const char *path, struct problem *problem)
{
    char names[100] = "";
    if (errand && !path)
        return problem_set(problem, EXIT_USAGE, "%s needs --input FILE: %s", errand->name, errand->errand->wants);
    if (errand || !path)
        return 0;
    for (const struct workload *const *w = workloads; *w; w++)
        if ((*w)->errand) {
            size_t used = strlen(names);
            snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", (*w)->name);
        }
    return problem_set(problem, EXIT_USAGE, "--input is for an errand, as in -w %s", names);
}

/* The whole file, or NULL. It is read once, so it may be a pipe. */
static char *read_file(const char *path, size_t *length, struct problem *problem)
{
    const bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    char *text = file ? malloc(INPUT_MOST + 1) : NULL;
    *length = text ? fread(text, 1, INPUT_MOST + 1, file) : 0;
    if (!text || ferror(file))
        problem_set(problem, EXIT_NO_INPUT, "cannot read %s: %s", path, strerror(errno));
    else if (*length > INPUT_MOST)
        problem_set(problem, EXIT_BAD_FILE, "%s: more than 16 MiB", path);
    else
        problem->code = EXIT_FINE;
    if (file && !standard)
        fclose(file);
    if (text && problem->code == EXIT_FINE) {
        text[*length] = '\0';
        return text;
    }
    free(text);
    return NULL;
}

/* It travels to the trial as a string of JSON. */
static int check_text(const struct workload *errand, const char *path, const char *text, size_t length,
                      struct problem *problem)
{
    struct error error = {.code = ERROR_NONE};
    json_t *json = strlen(text) == length ? json_string(text) : NULL;
    bool is_text = json;
    json_decref(json);
    if (!is_text)
        return problem_set(problem, EXIT_BAD_FILE, "%s: this is not text in UTF-8", path);
    if (errand->errand->read(text, &error))
        return problem_set(problem, EXIT_BAD_FILE, "%s: %s", path, error.text);
    return 0;
}

int errand_read(const struct workload *errand, const char *path, char **text, struct problem *problem)
{
    size_t length;
    *text = NULL;
    if (check_named(errand, path, problem))
        return -1;
    if (!errand)
        return 0;
    *text = read_file(path, &length, problem);
    return *text ? check_text(errand, path, *text, length, problem) : -1;
}

static void show(FILE *out, const char *before, const char *text)
{
    char *copy = strdup(text);
    fprintf(out, "%s%s\n", before, copy ? format_clean(copy) : "");
    free(copy);
}

int errand_show(const json_t *lines)
{
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *line = json_array_get(lines, i);
        const char *beside = json_string_value(json_array_get(line, 1));
        show(stdout, "", json_string_value(json_array_get(line, 0)));
        if (beside && *beside)
            show(stderr, "muster: ", beside);
    }
    return fflush(stdout) || ferror(stdout) ? -1 : 0;
}
