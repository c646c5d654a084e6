/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_html.c - report.html as a reader's browser sees it: whole, self-contained, escaped, and there without gnuplot.
 *
 * The page is made from the golden results. Its look is for eyes; here its structure is checked: tags balance, ids are
 * unique, links lead somewhere, nothing comes from outside, every cell is on it. */
#include "reports/html.h"
#include "reports/html_text.h"
#include "reports/plot.h"
#include "tests/frame.h"

#include <CUnit/CUnit.h>
#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MOST = 64, NAME_MOST = 16 };

static int read_golden(struct results *r, const char *name)
{
    struct report_error error;
    char path[128];
    int status;

    snprintf(path, sizeof(path), "tests/golden/%s.json", name);
    status = results_read(r, frame_source(path), &error);
    CU_ASSERT_EQUAL(status, 0);
    if (status != 0)
        printf("    %s\n", error.text);
    return status;
}

static char *read_file(const char *dir, const char *name)
{
    char path[4096], *text = NULL;
    size_t room = 0;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    file = fopen(path, "re");
    if (file && getdelim(&text, &room, '\0', file) < 0) {
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    return text;
}

static size_t count_files(const char *dir)
{
    DIR *folder = opendir(dir);
    size_t count = 0;

    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count - 2;
}

static size_t count_text(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

/* The page made of the golden results (of both with `both`), freed by the caller. */
static char *make_page(bool both, struct report_error *error)
{
    struct results one, other;
    const struct results *runs[] = {&one, &other};
    char *page = NULL;

    if (read_golden(&one, "results") != 0)
        return NULL;
    if (read_golden(&other, "other") == 0) {
        if (html_write(runs, both ? 2 : 1, frame_folder(), error) == 0)
            page = read_file(frame_folder(), "report.html");
        results_free(&other);
    }
    results_free(&one);
    return page;
}

/* --- a small reader of tags --- */

static bool is_void(const char *name)
{
    static const char *const names[] = {"meta", "br", "hr", "img", "link", "input", "col"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Reads the tag at `at` ("<name ..."): its name, whether it closes, whether it is empty. Returns what follows it. */
static const char *read_tag(const char *at, char name[NAME_MOST], bool *closes, bool *empty)
{
    size_t length = 0;
    char quote = '\0';

    at++;
    *closes = *at == '/';
    at += *closes;
    while (isalnum((unsigned char)*at) && length + 1 < NAME_MOST)
        name[length++] = *at++;
    name[length] = '\0';
    for (; *at && (quote || *at != '>'); at++) {
        if (quote && *at == quote)
            quote = '\0';
        else if (!quote && (*at == '"' || *at == '\''))
            quote = *at;
    }
    *empty = at[-1] == '/' || is_void(name);
    return *at ? at + 1 : at;
}

/* The number of tags that do not match; the first is printed. */
static size_t count_unbalanced(const char *page)
{
    char open[DEPTH_MOST][NAME_MOST], name[NAME_MOST];
    size_t depth = 0, wrong = 0;
    bool closes, empty;

    for (const char *at = strchr(page, '<'); at; at = strchr(at, '<')) {
        if (strncmp(at, "<!DOCTYPE", 9) == 0) {
            at++;
            continue;
        }
        at = read_tag(at, name, &closes, &empty);
        if (closes) {
            if (depth == 0 || strcmp(open[depth - 1], name) != 0) {
                printf("    </%s> closes <%s>\n", name, depth ? open[depth - 1] : "nothing");
                wrong++;
            }
            depth -= depth > 0;
        } else if (!empty && depth < DEPTH_MOST) {
            strcpy(open[depth++], name);
        }
    }
    return wrong + depth;
}

/* Ids that occur twice, and links inside the page that lead nowhere. */
static size_t count_bad_ids(const char *page)
{
    static const char *const forms[] = {"id=\"%.*s\"", "id='%.*s'"};
    char wanted[256];
    size_t bad = 0;

    for (const char *at = strstr(page, " id="); at; at = strstr(at + 5, " id=")) {
        size_t found = 0;

        for (size_t i = 0; i < 2; i++) {
            snprintf(wanted, sizeof(wanted), forms[i], (int)strcspn(at + 5, "\"'"), at + 5);
            found += count_text(page, wanted);
        }
        bad += found != 1;
    }
    for (const char *at = strstr(page, "href="); at; at = strstr(at + 6, "href=")) {
        size_t found = 0;

        for (size_t i = 0; i < 2; i++) {
            snprintf(wanted, sizeof(wanted), forms[i], (int)strcspn(at + 7, "\"'"), at + 7);
            found += count_text(page, wanted);
        }
        bad += at[6] != '#' || found != 1;
    }
    return bad;
}

/* What a text looks like on the page, freed by the caller. */
static char *escaped(const char *text)
{
    char *result = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&result, &size);

    html_text(out, text);
    fclose(out);
    return result;
}

static void check_page(const char *page)
{
    CU_ASSERT_EQUAL(strncmp(page, "<!DOCTYPE html>", 15), 0);
    CU_ASSERT_EQUAL(count_unbalanced(page), 0);
    CU_ASSERT_EQUAL(count_bad_ids(page), 0);
    CU_ASSERT_PTR_NULL(strstr(page, "http:"));
    CU_ASSERT_PTR_NULL(strstr(page, "https:"));
    CU_ASSERT_PTR_NULL(strstr(page, "<script"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, " --seed "));
    CU_ASSERT_PTR_NULL(strstr(page, "src="));
    CU_ASSERT_PTR_NULL(strstr(page, "@import"));
    CU_ASSERT_PTR_NULL(strstr(page, "url("));
    CU_ASSERT_EQUAL(count_text(page, "<h1"), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "prefers-color-scheme"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "@media print"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "name=\"viewport\""));
}

static void page_is_whole(void)
{
    struct report_error error;
    char *page = make_page(false, &error);

    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    check_page(page);
    free(page);
}

static void every_cell_is_on_it(void)
{
    struct report_error error;
    struct results r;
    char *page = make_page(false, &error);

    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    if (read_golden(&r, "results") == 0) {
        for (size_t i = 0; i < r.cell_count; i++) {
            char *id = escaped(r.cells[i].id), *reason = escaped(r.cells[i].reason);

            CU_ASSERT_PTR_NOT_NULL(strstr(page, id));
            CU_ASSERT_PTR_NOT_NULL(strstr(page, reason));
            free(id);
            free(reason);
        }
        results_free(&r);
    }
    free(page);
}

static void pictures_are_files_and_inside(void)
{
    struct report_error error;
    char *page = make_page(false, &error), *picture;

    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    if (*error.text) {
        CU_ASSERT_EQUAL(count_text(page, "<svg "), 0);
        free(page);
        frame_skip(error.text);
        return;
    }
    CU_ASSERT_EQUAL(count_text(page, "<svg "), count_files(frame_folder()) - 1);
    CU_ASSERT_EQUAL(count_text(page, "role=\"img\""), count_text(page, "<svg "));
    CU_ASSERT_PTR_NULL(strstr(page, "rgb("));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "var(--s1)"));
    picture = read_file(frame_folder(), "counter-rates.svg");
    CU_ASSERT_PTR_NOT_NULL(picture);
    CU_ASSERT_PTR_NULL(picture ? strstr(picture, "var(--") : NULL);
    free(picture);
    free(page);
}

static void machines_stand_side_by_side(void)
{
    struct report_error error;
    char *page = make_page(true, &error);

    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    check_page(page);
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "2 machines side by side"));
    CU_ASSERT_EQUAL(count_text(page, "Every cell</h3>"), 2);
    free(page);
}

static void without_gnuplot_the_page_still_comes(void)
{
    const char *path = getenv("PATH");
    char *before = strdup(path ? path : ""), *page;
    struct report_error error;

    setenv("PATH", frame_folder(), 1);
    page = make_page(false, &error);
    setenv("PATH", before, 1);
    free(before);
    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    CU_ASSERT_EQUAL(error.code, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "gnuplot is not installed"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "Pictures are missing: gnuplot is not installed"));
    CU_ASSERT_EQUAL(count_text(page, "<svg "), 0);
    CU_ASSERT_EQUAL(count_files(frame_folder()), 1);
    check_page(page);
    free(page);
}

/* Puts a program called gnuplot first on PATH, makes the page, and puts PATH back. */
static char *page_with_gnuplot(const char *program, struct report_error *error)
{
    const char *path = getenv("PATH");
    char *before = strdup(path ? path : ""), *page, bin[4096], name[8192];
    FILE *file;

    snprintf(bin, sizeof(bin), "%s/bin", frame_folder());
    mkdir(bin, 0755);
    snprintf(name, sizeof(name), "%s/gnuplot", bin);
    file = fopen(name, "we");
    if (file) {
        fputs(program, file);
        fclose(file);
    }
    chmod(name, 0755);
    snprintf(name, sizeof(name), "%s:%s", bin, before);
    setenv("PATH", name, 1);
    page = make_page(false, error);
    setenv("PATH", before, 1);
    free(before);
    return page;
}

static void a_failing_gnuplot_is_quoted(void)
{
    struct report_error error;
    char *page = page_with_gnuplot("#!/bin/sh\necho '<no> display & more' >&2\nexit 1\n", &error);

    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "gnuplot could not draw: <no> display & more"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "gnuplot could not draw: &lt;no&gt; display &amp; more"));
    check_page(page);
    free(page);
}

static void a_picture_cut_short_is_missing(void)
{
    struct report_error error;
    char *page = page_with_gnuplot("#!/bin/sh\necho '<svg viewBox=\"' >map-rates.svg\nexit 0\n", &error);

    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "did not finish the picture map-rates"));
    CU_ASSERT_EQUAL(count_files(frame_folder()), 2); /* report.html and bin */
    free(page);
}

static void hostile_texts_stay_texts(void)
{
    static const char hostile[] = "<script>alert('a & b')</script>`touch hacked`\x01\xff";
    struct results r;
    const struct results *runs[] = {&r};
    struct report_error error;
    char *page;

    if (read_golden(&r, "results") != 0)
        return;
    for (size_t i = 0; i < r.cell_count; i++)
        if (strcmp(r.cells[i].workload, "counter") == 0 && r.cells[i].workers == 2) {
            free(r.cells[i].variant);
            r.cells[i].variant = strdup(hostile);
            r.cells[i].variant_default = false;
        }
    free(r.host.cpu);
    r.host.cpu = strdup(hostile);
    CU_ASSERT_EQUAL(html_write(runs, 1, frame_folder(), &error), 0);
    results_free(&r);
    page = read_file(frame_folder(), "report.html");
    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    check_page(page);
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "&lt;script&gt;alert(&#39;a &amp; b&#39;)"));
    free(page);
    page = read_file(frame_folder(), "hacked");
    CU_ASSERT_PTR_NULL(page);
    free(page);
}

static void text_is_escaped(void)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"a < b && c > \"d\"'", "a &lt; b &amp;&amp; c &gt; &quot;d&quot;&#39;"},
        {"43 µs – 1.96×", "43 µs – 1.96×"},
        {"\xc3", "\xef\xbf\xbd"},
        {"\xc0\xbcx", "\xef\xbf\xbd\xef\xbf\xbdx"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7"},
        {"\x1b[31m", "\xef\xbf\xbd[31m"},
        {NULL, ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = escaped(cases[i].text);

        CU_ASSERT_STRING_EQUAL(text, cases[i].expected);
        free(text);
    }
}

static void a_folder_that_is_not_there_is_an_error(void)
{
    struct results r;
    const struct results *runs[] = {&r};
    struct report_error error;
    char path[4096];

    if (read_golden(&r, "results") != 0)
        return;
    snprintf(path, sizeof(path), "%s/absent", frame_folder());
    CU_ASSERT_EQUAL(html_write(runs, 1, path, &error), -1);
    CU_ASSERT_EQUAL(error.code, 73);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "absent"));
    results_free(&r);
}

static void a_full_disk_leaves_the_earlier_report(void)
{
    struct results r;
    const struct results *runs[] = {&r};
    struct rlimit before, small;
    struct report_error error;
    char *page;
    int status;

    if (read_golden(&r, "results") != 0)
        return;
    CU_ASSERT_EQUAL(html_write(runs, 1, frame_folder(), &error), 0);
    size_t files = count_files(frame_folder());
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){.rlim_cur = 65536, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    status = html_write(runs, 1, frame_folder(), &error);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    results_free(&r);
    CU_ASSERT_EQUAL(status, -1);
    CU_ASSERT_EQUAL(error.code, 73);
    CU_ASSERT_EQUAL(count_files(frame_folder()), files);
    page = read_file(frame_folder(), "report.html");
    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    check_page(page);
    free(page);
}

static void what_has_no_payload_has_no_bytes(void)
{
    struct results r;
    const struct results *runs[] = {&r};
    struct report_error error;
    char *page;

    if (read_golden(&r, "results") != 0)
        return;
    for (size_t i = 0; i < r.cell_count; i++)
        if (strcmp(r.cells[i].workload, "counter") == 0)
            r.cells[i].payload_bytes = 0;
    CU_ASSERT_EQUAL(html_write(runs, 1, frame_folder(), &error), 0);
    results_free(&r);
    page = read_file(frame_folder(), "report.html");
    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    CU_ASSERT(strstr(page, ">adds, no work between") && strstr(page, ">items of 8 bytes, no work"));
    free(page);
}

static void an_empty_run_has_a_page(void)
{
    struct results r = {.noise = NAN};
    const struct results *runs[] = {&r};
    struct report_error error;
    char *page;

    CU_ASSERT_EQUAL(html_write(runs, 1, frame_folder(), &error), 0);
    page = read_file(frame_folder(), "report.html");
    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    CU_ASSERT_EQUAL(count_unbalanced(page), 0);
    free(page);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"html: the page is whole and self-contained", page_is_whole, 60},
        {"html: every cell is on it", every_cell_is_on_it, 60},
        {"html: pictures are files and inside the page", pictures_are_files_and_inside, 60},
        {"html: machines stand side by side", machines_stand_side_by_side, 60},
        {"html: without gnuplot the page still comes", without_gnuplot_the_page_still_comes, 0},
        {"html: a failing gnuplot is quoted", a_failing_gnuplot_is_quoted, 0},
        {"html: a picture cut short is missing", a_picture_cut_short_is_missing, 0},
        {"html: hostile texts stay texts", hostile_texts_stay_texts, 60},
        {"html: text is escaped", text_is_escaped, 0},
        {"html: a folder that is not there is an error", a_folder_that_is_not_there_is_an_error, 0},
        {"html: a full disk leaves the earlier report", a_full_disk_leaves_the_earlier_report, 60},
        {"html: what has no payload has no bytes", what_has_no_payload_has_no_bytes, 60},
        {"html: an empty run has a page", an_empty_run_has_a_page, 60},
        {0},
    };

    return frame_main(argc, argv, tests);
}
