/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_sides.c - see duet_sides.h. */
#include "tests/duet_sides.h"

#include "reports/verdict_report.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *sides_muster(void)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", frame_built("muster"));
    setenv("MUSTER_RECORDS", cli_path("records"), 1);
    return path;
}

const char *sides_script(const char *name, const char *text)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, PATH_MAX, "%s", cli_file(name, text, strlen(text)));
    CU_ASSERT_EQUAL(chmod(path, 0700), 0);
    return path;
}

void sides_check(struct said said, int code, const char *out, const char *err)
{
    bool right = said.code == code && strstr(said.out, out) && strstr(said.err, err);
    CU_ASSERT_TRUE(right);
    if (!right)
        fprintf(stderr, "ended with %d, not %d, without '%s' or '%s':\n%s%s", said.code, code, out, err, said.out,
                said.err);
}

struct duet sides_duet(const char *name)
{
    struct duet duet;
    struct report_error error = {.code = 0};
    CU_ASSERT_EQUAL_FATAL(duet_read(&duet, cli_path(name), &error), 0);
    return duet;
}

json_t *sides_verdict(const char *name)
{
    json_t *json = json_load_file(cli_path(name), JSON_REJECT_DUPLICATES, NULL);
    const char *schema = json_string_value(json_object_get(json, "schema"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(schema);
    CU_ASSERT_STRING_EQUAL(schema, VERDICT_SCHEMA);
    return json;
}
