/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fingerprint.c - one table of what is compared, each as the text that a person is shown.
 *
 * What only one of the two files knows is a difference: a property that a machine does not have is as good as another
 * value of it. */
#include "reports/fingerprint.h"

#include "reports/fingerprint_shape.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct property {
    enum group group;
    bool hard;
    const char *name;
    size_t offset; /* of a char * in struct results; else `read` */
    /* Fills *text, to be freed, NULL where it is not known; -1 when memory is short. */
    int (*read)(const struct results *, char **text);
};

/* --- what is not a text in the file ------------------------------------------------------------------------------ */

static int number(char **text, double value, const char *unit)
{
    *text = NULL;
    return value > 0 && asprintf(text, "%.6g%s", value, unit) < 0 ? -1 : 0;
}

static int read_identity(const struct results *r, char **text)
{
    return shape_identity(r->host.topology_xml, text);
}

static int read_shape(const struct results *r, char **text)
{
    return shape_describe(r->host.topology_xml, text);
}

static int read_packages(const struct results *r, char **text)
{
    return number(text, r->host.packages, "");
}

static int read_cores(const struct results *r, char **text)
{
    return number(text, r->host.cores, "");
}

static int read_pus(const struct results *r, char **text)
{
    return number(text, r->host.pus, "");
}

/* The kernel keeps some back, a little more or less from boot to boot. */
static int read_memory(const struct results *r, char **text)
{
    return number(text, round((double)r->host.memory_bytes / (1 << 30)), " GiB");
}

static int read_windows(const struct results *r, char **text)
{
    return number(text, r->windows, "");
}

static int read_window(const struct results *r, char **text)
{
    return number(text, r->window_s * 1e3, " ms");
}

static int read_warmup(const struct results *r, char **text)
{
    return number(text, r->warmup_s * 1e3, " ms");
}

/* --- the table --------------------------------------------------------------------------------------------------- */

#define HOST(member)    .offset = offsetof(struct results, host.member)
#define RESULTS(member) .offset = offsetof(struct results, member)

static const struct property properties[] = {
    {GROUP_CPU, true, "architecture", HOST(arch)},
    {GROUP_CPU, true, "cpu", HOST(cpu)},
    {GROUP_CPU, true, "cpu model", .read = read_identity},
    {GROUP_CPU, true, "packages", .read = read_packages},
    {GROUP_CPU, true, "cores", .read = read_cores},
    {GROUP_CPU, true, "processing units", .read = read_pus},
    {GROUP_CPU, true, "topology", .read = read_shape},
    {GROUP_CPU, true, "SMT", HOST(smt)},
    {GROUP_CPU, true, "hypervisor", HOST(hypervisor)},
    {GROUP_CPU, false, "memory", .read = read_memory},
    {GROUP_CPU, false, "host name", HOST(name)},
    {GROUP_KERNEL, true, "kernel", HOST(kernel)},
    {GROUP_KERNEL, true, "clocksource", HOST(clocksource)},
    {GROUP_KERNEL, true, "mitigations", HOST(mitigations)},
    {GROUP_KERNEL, true, "frequency driver", HOST(cpufreq_driver)},
    {GROUP_KERNEL, true, "governor", HOST(governor)},
    {GROUP_KERNEL, true, "turbo", HOST(turbo)},
    {GROUP_KERNEL, true, "idle driver", HOST(idle_driver)},
    {GROUP_KERNEL, true, "preemption", HOST(preemption)},
    {GROUP_KERNEL, true, "huge pages", HOST(thp)},
    {GROUP_KERNEL, true, "ASLR", HOST(aslr)},
    {GROUP_KERNEL, true, "cgroup CPU limit", HOST(cgroup_cpu_max)},
    {GROUP_KERNEL, true, "libc", HOST(libc)},
    {GROUP_KERNEL, false, "system", HOST(os)},
    {GROUP_CODE, true, "compiler", RESULTS(compiler)},
    {GROUP_CODE, true, "compiler flags", RESULTS(cflags)},
    {GROUP_CODE, false, "version", RESULTS(version)},
    {GROUP_CODE, false, "commit", RESULTS(commit)},
    {GROUP_TERMS, true, "idle mode", RESULTS(idle)},
    {GROUP_TERMS, true, "windows", .read = read_windows},
    {GROUP_TERMS, true, "window length", .read = read_window},
    {GROUP_TERMS, true, "warm-up", .read = read_warmup},
};

enum { COUNT = sizeof properties / sizeof *properties };

/* 0, or -1 when memory is short. */
static int property_read(const struct property *property, const struct results *r, char **text)
{
    const char *const *member = (const void *)((const char *)r + property->offset);
    if (property->read)
        return property->read(r, text);
    *text = *member ? strdup(*member) : NULL;
    return *member && !*text ? -1 : 0;
}

static uint32_t fnv1a(uint32_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619U;
    return hash;
}

#define FNV1A_START 2166136261U

/* What is cut off still shows as another number at the end. */
static void shown(char *out, size_t size, const char *text)
{
    if (!text)
        snprintf(out, size, "not known");
    else if (strlen(text) < size)
        snprintf(out, size, "%s", text);
    else
        snprintf(out, size, "%.*s... #%08x", (int)size - 14, text, fnv1a(FNV1A_START, text));
}

static int append(struct difference **list, size_t *count, const struct property *property, const char *base,
                  const char *candidate)
{
    struct difference *more = realloc(*list, (*count + 1) * sizeof **list);
    if (!more)
        return -1;
    *list = more;
    struct difference *added = &more[(*count)++];
    *added = (struct difference){.group = property->group, .hard = property->hard, .name = property->name};
    shown(added->base, sizeof added->base, base);
    shown(added->candidate, sizeof added->candidate, candidate);
    return 0;
}

int fingerprint_compare(const struct results *base, const struct results *candidate, struct difference **list,
                        size_t *count)
{
    int result = 0;
    for (size_t i = 0; i < COUNT && result == 0; i++) {
        char *a = NULL, *b = NULL;
        result = property_read(&properties[i], base, &a) || property_read(&properties[i], candidate, &b) ? -1 : 0;
        if (result == 0 && (!a != !b || (a && strcmp(a, b) != 0)))
            result = append(list, count, &properties[i], a, b);
        free(a);
        free(b);
    }
    return result;
}

bool fingerprint_forbids(const struct difference *differences, size_t count, unsigned declared)
{
    for (size_t i = 0; i < count; i++)
        if (differences[i].hard && !(differences[i].group & declared & ~(unsigned)GROUP_TERMS))
            return true;
    return false;
}

/* --- a name ------------------------------------------------------------------------------------------------------ */

enum { SLUG = 32 };

/* Small letters, digits and single dashes; what stands in brackets, "(R)", is left out. */
static const char *slug(char out[SLUG], const char *text)
{
    size_t used = 0;
    unsigned depth = 0;
    for (; *text && used + 1 < SLUG; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '(')
            depth++;
        else if (c == ')' && depth)
            depth--;
        else if (!depth && c < 0x80 && isalnum(c))
            out[used++] = (char)tolower(c);
        else if (!depth && used && out[used - 1] != '-')
            out[used++] = '-';
    }
    while (used && out[used - 1] == '-')
        used--;
    out[used] = '\0';
    return out;
}

/* 6.18 of 6.18.44-cloud */
static int release_length(const char *kernel)
{
    size_t major = strcspn(kernel, ".");
    size_t length = kernel[major] ? major + 1 + strspn(kernel + major + 1, "0123456789") : major;
    return length < 16 ? (int)length : 16;
}

/* Memory being short makes another name at worst, and the host is compared whole wherever a name was believed. */
static uint32_t hash_of(const struct host *host)
{
    const struct results r = {.host = *host};
    uint32_t hash = FNV1A_START;
    for (size_t i = 0; i < COUNT; i++) {
        char *text = NULL;
        if (!properties[i].hard || !(properties[i].group & (GROUP_CPU | GROUP_KERNEL)))
            continue;
        if (property_read(&properties[i], &r, &text) == 0) {
            hash = fnv1a(fnv1a(hash, properties[i].name), "=");
            hash = fnv1a(fnv1a(hash, text ? text : "not known"), "\n");
        }
        free(text);
    }
    return hash;
}

char *fingerprint_name(char *text, size_t size, const struct host *host)
{
    char cpu[SLUG], hypervisor[SLUG], kernel[SLUG];
    const char *release = host->kernel ? host->kernel : "0";
    snprintf(kernel, sizeof kernel, "%.*s", release_length(release), release);
    for (char *c = kernel; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '.')
            *c = '-';
    slug(cpu, host->cpu ? host->cpu : host->arch ? host->arch : "");
    slug(hypervisor, host->hypervisor ? host->hypervisor : "");
    snprintf(text, size, "%s-%uc-%s-%s-%08x", *cpu ? cpu : "cpu", host->cores,
             *hypervisor && strcmp(hypervisor, "none") != 0 ? hypervisor : "metal", kernel, hash_of(host));
    return text;
}
