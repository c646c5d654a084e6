/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_fingerprint.c - what tells two machines apart, what does not, and the name that a machine's file gets. */
#include "tests/frame.h"

#include "reports/fingerprint.h"
#include "reports/fingerprint_shape.h"

#include <CUnit/CUnit.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define CORE(n, set)                                                                                                   \
    "<object type=\"L2Cache\" os_index=\"" n "\" cpuset=\"" set "\" cache_size=\"1048576\" depth=\"2\">\n"             \
    "<object type=\"Core\" os_index=\"" n "\"><object type=\"PU\" os_index=\"" n "\" gp_index=\"1" n "\"/></object>"   \
    "</object>\n"
#define MACHINE(memory, release, cores, l3)                                                                            \
    "<?xml version=\"1.0\"?>\n<topology version=\"2.0\"><object type=\"Machine\" os_index=\"0\">"                      \
    "<info name=\"OSRelease\" value=\"" release "\"/>"                                                                 \
    "<object type=\"Package\"><info name=\"CPUVendor\" value=\"AuthenticAMD\"/>"                                       \
    "<info name=\"CPUFamilyNumber\" value=\"26\"/><info name=\"Odd\" value=\"a > b\"/>"                                \
    "<object type=\"NUMANode\" local_memory=\"" memory "\"><page_type size=\"4096\" count=\"7\"/></object>"            \
    "<object type=\"L3Cache\" cache_size=\"" l3 "\">" cores "</object></object>"                                       \
    "<object type=\"Bridge\"><object type=\"PCIDev\"/></object></object></topology>\n"

#define TWO_CORES CORE("0", "0x1") CORE("1", "0x2")

static char XML[] = MACHINE("6402822144", "6.18", TWO_CORES, "33554432");
static char XML_LATER[] = MACHINE("6402822000", "6.19", TWO_CORES, "33554432");
static char XML_SMALLER[] = MACHINE("6402822144", "6.18", TWO_CORES, "16777216");

static void expect_shape(const char *xml, const char *shape, const char *identity)
{
    char *text;
    CU_ASSERT_EQUAL_FATAL(shape_describe(xml, &text), 0);
    CU_ASSERT(shape ? text && strcmp(text, shape) == 0 : !text);
    free(text);
    CU_ASSERT_EQUAL_FATAL(shape_identity(xml, &text), 0);
    CU_ASSERT(identity ? text && strcmp(text, identity) == 0 : !text);
    free(text);
}

static void shapes(void)
{
    static const char is[] = "Package(NUMANode L3:32768k(2x L2:1024k(Core(PU))))";
    expect_shape(XML, is, "Vendor AuthenticAMD, FamilyNumber 26");
    expect_shape(XML_LATER, is, "Vendor AuthenticAMD, FamilyNumber 26");
    expect_shape(XML_SMALLER, "Package(NUMANode L3:16384k(2x L2:1024k(Core(PU))))",
                 "Vendor AuthenticAMD, FamilyNumber 26");
}

/* Text that is cut off, or nothing like it, is a shape that is not known or less of it; never the end. */
static void broken_shapes(void)
{
    char cut[sizeof XML], *deep = malloc(40 * 1000 + 1), *text;
    expect_shape(NULL, NULL, NULL);
    expect_shape("", NULL, NULL);
    expect_shape("<topology/>\n", NULL, NULL);
    expect_shape("</object></object><object type=\"PU", NULL, NULL);
    for (size_t length = 0; length < sizeof XML; length += 7) {
        memcpy(cut, XML, length);
        cut[length] = '\0';
        CU_ASSERT_EQUAL(shape_describe(cut, &text), 0);
        free(text);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(deep);
    deep[0] = '\0';
    for (char *at = deep; at < deep + 40 * 1000 - 40;)
        at = stpcpy(at, "<object type=\"Package\">");
    CU_ASSERT_EQUAL(shape_describe(deep, &text), 0);
    free(text);
    free(deep);
}

static struct results sample(void)
{
    static char arch[] = "x86_64", cpu[] = "AMD EPYC (TM) 9R45", kernel[] = "6.18.44-x #1 SMP", kvm[] = "KVM",
                source[] = "tsc", idle[] = "poll", compiler[] = "gcc 12", flags[] = "-O2", commit[] = "1234";
    return (struct results){.commit = commit,
                            .compiler = compiler,
                            .cflags = flags,
                            .windows = 8,
                            .window_s = 0.01,
                            .warmup_s = 0.02,
                            .idle = idle,
                            .host = {.cpu = cpu,
                                     .arch = arch,
                                     .kernel = kernel,
                                     .hypervisor = kvm,
                                     .clocksource = source,
                                     .packages = 1,
                                     .cores = 2,
                                     .pus = 2,
                                     .memory_bytes = (uint64_t)24 << 30,
                                     .topology_xml = XML}};
}

/* The one difference between two; NULL in *name where there is none. */
static void expect_difference(const struct results *base, const struct results *candidate, enum group group, bool hard,
                              const char *name)
{
    struct difference *list = NULL;
    size_t count = 0;
    CU_ASSERT_EQUAL_FATAL(fingerprint_compare(base, candidate, &list, &count), 0);
    CU_ASSERT_EQUAL(count, name ? 1 : 0);
    if (name && count == 1) {
        CU_ASSERT_STRING_EQUAL(list[0].name, name);
        CU_ASSERT_EQUAL(list[0].group, group);
        CU_ASSERT_EQUAL(list[0].hard, hard);
        CU_ASSERT_STRING_NOT_EQUAL(list[0].base, list[0].candidate);
        CU_ASSERT_EQUAL(fingerprint_forbids(list, count, 0), hard);
        CU_ASSERT_EQUAL(fingerprint_forbids(list, count, group), hard && group == GROUP_TERMS);
        CU_ASSERT_EQUAL(fingerprint_forbids(list, count, ~(unsigned)group), hard);
    }
    free(list);
}

static void differences(void)
{
    static char other[] = "something else";
    const struct results base = sample();
    struct results r = sample();
    expect_difference(&base, &r, 0, false, NULL);
    r.host.topology_xml = XML_LATER;
    r.host.memory_bytes += 4096;
    r.host.load_1min = 7;
    expect_difference(&base, &r, 0, false, NULL);
    r.host.topology_xml = XML_SMALLER;
    expect_difference(&base, &r, GROUP_CPU, true, "topology");
    r = sample();
    r.host.cpu = other;
    expect_difference(&base, &r, GROUP_CPU, true, "cpu");
    r = sample();
    r.host.memory_bytes /= 2;
    expect_difference(&base, &r, GROUP_CPU, false, "memory");
    r = sample();
    r.host.kernel = other;
    expect_difference(&base, &r, GROUP_KERNEL, true, "kernel");
    r = sample();
    r.cflags = other;
    expect_difference(&base, &r, GROUP_CODE, true, "compiler flags");
    r = sample();
    r.commit = other;
    expect_difference(&base, &r, GROUP_CODE, false, "commit");
    r = sample();
    r.idle = other;
    expect_difference(&base, &r, GROUP_TERMS, true, "idle mode");
    r = sample();
    r.windows = 4;
    expect_difference(&base, &r, GROUP_TERMS, true, "windows");
}

/* Each text of a machine on its own. */
static void properties(void)
{
#define TEXT(member) offsetof(struct results, host.member)
    static const struct {
        enum group group;
        bool hard;
        const char *name;
        size_t offset;
    } known[] = {
        {GROUP_CPU, true, "architecture", TEXT(arch)},
        {GROUP_CPU, true, "SMT", TEXT(smt)},
        {GROUP_CPU, true, "hypervisor", TEXT(hypervisor)},
        {GROUP_CPU, false, "host name", TEXT(name)},
        {GROUP_KERNEL, true, "clocksource", TEXT(clocksource)},
        {GROUP_KERNEL, true, "mitigations", TEXT(mitigations)},
        {GROUP_KERNEL, true, "frequency driver", TEXT(cpufreq_driver)},
        {GROUP_KERNEL, true, "governor", TEXT(governor)},
        {GROUP_KERNEL, true, "turbo", TEXT(turbo)},
        {GROUP_KERNEL, true, "idle driver", TEXT(idle_driver)},
        {GROUP_KERNEL, true, "preemption", TEXT(preemption)},
        {GROUP_KERNEL, true, "huge pages", TEXT(thp)},
        {GROUP_KERNEL, true, "ASLR", TEXT(aslr)},
        {GROUP_KERNEL, true, "cgroup CPU limit", TEXT(cgroup_cpu_max)},
        {GROUP_KERNEL, true, "libc", TEXT(libc)},
        {GROUP_KERNEL, false, "system", TEXT(os)},
    };
#undef TEXT
    static char other[] = "something else";
    const struct results base = sample();
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct results r = sample();
        char *text = other;
        memcpy((char *)&r + known[i].offset, &text, sizeof text);
        expect_difference(&base, &r, known[i].group, known[i].hard, known[i].name);
    }
}

/* One side does not say; and a text too long to show whole still shows that it differs. */
static void texts(void)
{
    char longer[400], other[400];
    const struct results base = sample();
    struct results a = sample(), b = sample();
    struct difference *list = NULL;
    size_t count = 0;
    a.host.governor = b.host.governor = NULL;
    b.host.clocksource = NULL;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    memcpy(other, longer, sizeof other);
    other[300] = 'y';
    a.host.mitigations = longer;
    b.host.mitigations = other;
    CU_ASSERT_EQUAL(fingerprint_compare(&a, &b, &list, &count), 0);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_STRING_EQUAL(list[0].base, "tsc");
    CU_ASSERT_STRING_EQUAL(list[0].candidate, "not known");
    CU_ASSERT_STRING_EQUAL(list[1].name, "mitigations");
    CU_ASSERT_STRING_NOT_EQUAL(list[1].base, list[1].candidate);
    free(list);
    expect_difference(&base, &base, 0, false, NULL);
}

static void names(void)
{
    static char other[] = "tsc2", metal[] = "none", odd[] = "../../etc/passwd /x";
    char name[128], again[128];
    struct results r = sample();
    fingerprint_name(name, sizeof name, &r.host);
    CU_ASSERT_EQUAL(strncmp(name, "amd-epyc-9r45-2c-kvm-6.18-", 26), 0);
    CU_ASSERT_EQUAL(strlen(name), 34);
    CU_ASSERT_EQUAL(strspn(name + 26, "0123456789abcdef"), 8);
    r.host.load_1min = 3;
    r.host.topology_xml = XML_LATER;
    CU_ASSERT_STRING_EQUAL(fingerprint_name(again, sizeof again, &r.host), name);
    r.host.clocksource = other;
    CU_ASSERT_STRING_NOT_EQUAL(fingerprint_name(again, sizeof again, &r.host), name);
    r.host = (struct host){.hypervisor = metal, .cpu = odd, .kernel = odd};
    fingerprint_name(name, sizeof name, &r.host);
    CU_ASSERT_PTR_NULL(strchr(name, '/'));
    CU_ASSERT_PTR_NOT_NULL(strstr(name, "-metal-"));
    CU_ASSERT(isalnum((unsigned char)name[0]));
    r.host = (struct host){.packages = 0};
    CU_ASSERT_EQUAL(strncmp(fingerprint_name(name, sizeof name, &r.host), "cpu-0c-metal-0-", 15), 0);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "fingerprint: the shape of a machine, without what moves", .run = shapes},
        {.name = "fingerprint: a topology that is none, cut off or too deep", .run = broken_shapes},
        {.name = "fingerprint: each difference in its group, hard or told", .run = differences},
        {.name = "fingerprint: each text of a machine", .run = properties},
        {.name = "fingerprint: what is not known, and texts too long to show", .run = texts},
        {.name = "fingerprint: a name for a file", .run = names},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
