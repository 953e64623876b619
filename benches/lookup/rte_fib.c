/* DPDK's rte_fib and rte_fib6 as a peer of benches/lookup: see dpdk.rs beside this file.
 *
 * rte_fib 4|6 PREFIXES COUNT TBL8 MEGABYTES
 *
 * TBL8 is the least number of groups of 256 entries; it grows by an eighth until all fits.
 *
 * PREFIXES holds COUNT records: an address (IPv4: 4 bytes in the machine's order; IPv6: 16 in the
 * network's), then value and length as 4 bytes each. Commands come on standard input, each with
 * one line as its answer:
 *
 *   learn NUMBER PATH            the addresses of a set of queries
 *   values NUMBER PATH           writes the answers to a set, 4 bytes each
 *   time NUMBER BATCH            nanoseconds and sum of one pass over a set; a batch of 0 is one
 *                                address after the other, each of which waits for the one before
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#define NONE 0x7fffffffu
#define SETS 16
#define CHUNK 4096

static struct { uint8_t *keys; size_t count; } sets[SETS];
static struct rte_fib *fib;
static struct rte_fib6 *fib6;
static size_t width;

/* EAL without hugetlbfs maps a memfd, which has small pages only. Without memfd it maps anonymous
 * memory, which may be asked to have huge ones. */
int memfd_create(const char *name, unsigned flags)
{
	(void)name; (void)flags;
	errno = ENOSYS;
	return -1;
}

static int wish_huge(const struct rte_memseg_list *list, void *unused)
{
	(void)unused;
	madvise(list->base_va, list->len, MADV_HUGEPAGE);
	return 0;
}

static void die(const char *what)
{
	/* EAL leaves no number where memory is what lacks. */
	printf("error %s: %s\n", what, rte_errno ? rte_strerror(rte_errno) : "no memory");
	exit(1);
}

static double now(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1e9 + at.tv_nsec;
}

static void *map_file(const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "rb");
	if (!file) { rte_errno = errno; die(path); }
	fseek(file, 0, SEEK_END);
	*bytes = ftell(file);
	rewind(file);
	void *memory = aligned_alloc(2 << 20, (*bytes + (2 << 20)) & ~((size_t)(2 << 20) - 1));
	if (!memory || fread(memory, 1, *bytes, file) != *bytes) { rte_errno = EIO; die(path); }
	fclose(file);
	return memory;
}

static inline void look_up(uint8_t *keys, uint64_t *hops, size_t count)
{
	if (width == 4)
		rte_fib_lookup_bulk(fib, (uint32_t *)keys, hops, count);
	else
		rte_fib6_lookup_bulk(fib6, (uint8_t (*)[16])keys, hops, count);
}

static void die_creating(const char *what, uint32_t tbl8)
{
	char why[128];
	snprintf(why, sizeof why, "%s with %" PRIu32 " groups of 256 entries", what, tbl8);
	die(why);
}

static void create(size_t count, uint32_t tbl8)
{
	if (width == 4) {
		struct rte_fib_conf conf = { .type = RTE_FIB_DIR24_8, .default_nh = NONE,
			.max_routes = count + 1,
			.dir24_8 = { .nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = tbl8 } };
		fib = rte_fib_create("fib", SOCKET_ID_ANY, &conf);
		if (!fib) die_creating("rte_fib_create", tbl8);
	} else {
		struct rte_fib6_conf conf = { .type = RTE_FIB6_TRIE, .default_nh = NONE,
			.max_routes = count + 1,
			.trie = { .nh_sz = RTE_FIB6_TRIE_4B, .num_tbl8 = tbl8 } };
		fib6 = rte_fib6_create("fib6", SOCKET_ID_ANY, &conf);
		if (!fib6) die_creating("rte_fib6_create", tbl8);
	}
}

/* Whether all fitted. IPv6 sets groups aside before it knows whether it shares them. */
static int add(uint8_t *records, size_t count)
{
	for (size_t at = 0; at < count; at++, records += width + 8) {
		uint32_t value, len, ip;
		memcpy(&value, records + width, 4);
		memcpy(&len, records + width + 4, 4);
		memcpy(&ip, records, 4);
		int failed = width == 4 ? rte_fib_add(fib, ip, len, value)
			: rte_fib6_add(fib6, records, len, value);
		if (failed == -ENOSPC) return 0;
		if (failed) {
			rte_errno = -failed;
			die("add");
		}
	}
	return 1;
}

/* AVX-512 where the processor has it: DPDK itself stays at 256 bits unless told. */
static const char *wide(void)
{
	int without = width == 4
		? rte_fib_select_lookup(fib, RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512)
		: rte_fib6_select_lookup(fib6, RTE_FIB6_LOOKUP_TRIE_VECTOR_AVX512);
	return without ? "scalar" : "AVX-512";
}

/* One address after the other is faster without. */
static void narrow(void)
{
	if (width == 4)
		rte_fib_select_lookup(fib, RTE_FIB_LOOKUP_DIR24_8_SCALAR_INLINE);
	else
		rte_fib6_select_lookup(fib6, RTE_FIB6_LOOKUP_TRIE_SCALAR);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* As in engine.rs: chunks that took more than twice the median were interrupted. */
static double undisturbed(double *chunks, size_t count)
{
	qsort(chunks, count, sizeof *chunks, ascending);
	double limit = 2 * chunks[count / 2], sum = 0;
	size_t whole = 0;
	while (whole < count && chunks[whole] <= limit) sum += chunks[whole++];
	return sum / whole * count;
}

static uint64_t sum_batches(uint8_t *keys, size_t count, size_t batch)
{
	static uint64_t hops[CHUNK];
	uint64_t sum = 0;
	for (size_t at = 0; at < count; at += batch) {
		size_t some = count - at < batch ? count - at : batch;
		look_up(keys + at * width, hops, some);
		for (size_t i = 0; i < some; i++) sum += hops[i];
	}
	return sum;
}

/* Each waits for the one before. */
static uint64_t sum_chain(uint8_t *keys, size_t count)
{
	static uint64_t hop;
	volatile uint32_t hidden = 0;
	uint32_t zero = hidden;
	uint64_t sum = 0;
	uint8_t key[16];
	for (size_t at = 0; at < count; at++) {
		uint32_t head;
		memcpy(key, keys + at * width, width);
		memcpy(&head, key, 4);
		head ^= (uint32_t)hop & zero;
		memcpy(key, &head, 4);
		look_up(key, &hop, 1);
		sum += hop;
	}
	return sum;
}

/* A batch of 0 is a chain. */
static void time_pass(size_t set, size_t batch)
{
	size_t count = sets[set].count, chunks = 0;
	double *times = calloc(count / CHUNK + 1, sizeof *times);
	uint64_t sum = 0;
	for (size_t at = 0; at < count; at += CHUNK) {
		uint8_t *keys = sets[set].keys + at * width;
		size_t some = count - at < CHUNK ? count - at : CHUNK;
		double start = now();
		sum += batch ? sum_batches(keys, some, batch) : sum_chain(keys, some);
		times[chunks++] = now() - start;
	}
	printf("%.0f %" PRIu64 "\n", undisturbed(times, chunks), sum);
	free(times);
}

static void values(size_t set, const char *path)
{
	uint64_t hop[256];
	FILE *file = fopen(path, "wb");
	if (!file) { rte_errno = errno; die(path); }
	for (size_t at = 0; at < sets[set].count; at += 256) {
		size_t count = sets[set].count - at < 256 ? sets[set].count - at : 256;
		look_up(sets[set].keys + at * width, hop, count);
		for (size_t i = 0; i < count; i++) {
			uint32_t value = hop[i];
			fwrite(&value, 4, 1, file);
		}
	}
	fclose(file);
	printf("done\n");
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 6) return 2;
	char *eal[] = { argv[0], "--no-huge", "--no-pci", "--no-telemetry", "--log-level=3", "-m",
		argv[5], "-l", "0", "--force-max-simd-bitwidth=512" };
	/* EAL binds itself to one processor; whoever times it says where it runs. */
	cpu_set_t where;
	sched_getaffinity(0, sizeof where, &where);
	if (rte_eal_init(sizeof eal / sizeof *eal, eal) < 0) die("rte_eal_init");
	sched_setaffinity(0, sizeof where, &where);
	rte_memseg_list_walk(wish_huge, NULL);
	width = argv[1][0] == '4' ? 4 : 16;
	size_t bytes, count = strtoull(argv[3], NULL, 10);
	uint8_t *records = map_file(argv[2], &bytes);
	if (bytes != count * (width + 8)) { rte_errno = EINVAL; die(argv[2]); }
	uint32_t tbl8 = strtoul(argv[4], NULL, 10);
	double start = now();
	create(count, tbl8);
	while (!add(records, count)) {
		if (width == 4) rte_fib_free(fib); else rte_fib6_free(fib6);
		tbl8 += tbl8 / 8;
		start = now();
		create(count, tbl8);
	}
	double nanos = now() - start;
	free(records);
	struct rte_malloc_socket_stats stats = { 0 };
	rte_malloc_get_socket_stats(0, &stats);
	printf("ready %.0f %zu %s\n", nanos, stats.heap_allocsz_bytes, wide());

	char line[4096], path[4096];
	size_t set, batch;
	while (fgets(line, sizeof line, stdin)) {
		if (sscanf(line, "learn %zu %4095s", &set, path) == 2 && set < SETS) {
			sets[set].keys = map_file(path, &bytes);
			sets[set].count = bytes / width;
			printf("done\n");
		} else if (sscanf(line, "values %zu %4095s", &set, path) == 2 && set < SETS)
			values(set, path);
		else if (sscanf(line, "time %zu %zu", &set, &batch) == 2 && set < SETS
			&& batch <= CHUNK) {
			if (!batch) narrow();
			time_pass(set, batch);
			if (!batch) wide();
		} else
			printf("error no such command\n");
	}
	return 0;
}
