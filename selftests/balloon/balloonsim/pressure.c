// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pressure queue: the driver keeps one buffer in it, its reply to the last
 * hint and room for the next one. The host uses it when it has something to say,
 * right or wrong. In debugfs, for writing:
 *
 *	press		"LEVEL [need=BYTES] [ttl_ms=N] [seq=N] [reserved=BITS] [len=N]":
 *			send a hint; EAGAIN while the driver withholds its buffer
 *	press_flood	ms: as many as can be sent in that time
 *
 * and the numbers of struct bsim_pressure for reading.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "balloonsim.h"

/* Hints in a flood come so often: 100,000 a second, if the machine can do that. */
#define FLOOD_US	10
#define TEXT_MAX	256

static void wrong(struct bsim_queue *q, const char *what, u64 value)
{
	bsim_violation(q->sim, "pressure: %s %llu", what, value);
}

/* First what the device may read, a reply, then what it may write, a hint. */
static bool shape_ok(struct bsim_queue *q, struct bsim_buf *b, struct bsim_segment *in,
		     struct bsim_segment *out)
{
	struct bsim_segment more;
	struct bsim_walk w;

	bsim_walk_start(&w, q, b->head);
	return bsim_walk_next(&w, out) && !out->writable &&
	       out->len == sizeof(struct bsim_wire_reply) &&
	       bsim_walk_next(&w, in) && in->writable &&
	       in->len == sizeof(struct bsim_wire_hint) && !bsim_walk_next(&w, &more);
}

static void note_reply(struct bsim_queue *q, const struct bsim_wire_reply *wire)
{
	struct bsim_pressure *pr = &q->sim->pressure;
	u32 seq = le32_to_cpu(wire->seq), flags = le32_to_cpu(wire->flags);
	u64 yielded = le64_to_cpu(wire->yielded);

	if (seq && seq != pr->seq)
		wrong(q, "a reply to a hint that is not the last one:", seq);
	if (flags & ~BSIM_PRESSURE_INVALID)
		wrong(q, "a reply with flags", flags);
	if (flags && yielded)
		wrong(q, "a refused hint yielded", yielded);
	if (yielded % PAGE_SIZE)
		wrong(q, "no whole pages, but bytes:", yielded);
	pr->reply_seq = seq;
	pr->reply_yielded = yielded;
	pr->reply_slack = le64_to_cpu(wire->slack);
	pr->yielded += yielded;
	if (!seq && !flags)
		return;
	pr->invalid += flags == BSIM_PRESSURE_INVALID;
	pr->replies++;
}

/* The driver has given its buffer. */
void bsim_pressure_fetched(struct bsim_queue *q, struct bsim_buf *b)
{
	struct bsim_segment in = {}, out = {};
	const struct bsim_wire_reply *reply;

	lockdep_assert_held(&q->sim->lock);

	if (!list_is_singular(&q->waiting))
		wrong(q, "a second buffer at head", b->head);
	if (!shape_ok(q, b, &in, &out)) {
		wrong(q, "not a reply and room for a hint at head", b->head);
		return;
	}
	reply = bsim_host_map(out.addr, out.len);
	if (!reply || !bsim_host_map(in.addr, in.len))
		wrong(q, "a buffer outside RAM at head", b->head);
	else
		note_reply(q, reply);
}

/* The number of a hint that is right. */
u32 bsim_pressure_next(const struct bsim *sim)
{
	return sim->pressure.seq + 1 ?: 1;
}

static void write_hint(struct bsim_queue *q, struct bsim_buf *b, const struct bsim_hint *hint)
{
	struct bsim_wire_hint wire = {
		.seq = cpu_to_le32(hint->seq),
		.level = hint->level,
		.reserved = { hint->reserved, hint->reserved >> 8, hint->reserved >> 16 },
		.need = cpu_to_le64(hint->need),
		.ttl_ms = cpu_to_le32(hint->ttl_ms),
		.reserved2 = cpu_to_le32(hint->reserved & BIT(31)),
	};
	struct bsim_segment in = {}, out = {};
	void *to;

	if (!shape_ok(q, b, &in, &out))
		return;
	to = bsim_host_map(in.addr, in.len);
	if (to)
		memcpy(to, &wire, min_t(u32, sizeof(wire), hint->len));
}

static struct bsim_queue *pressure_queue(struct bsim *sim)
{
	unsigned int i;

	for (i = 0; i < sim->nr_queues; i++)
		if (sim->queues[i].role == BSIM_PRESSURE)
			return &sim->queues[i];
	return NULL;
}

/**
 * bsim_pressure_send() - say something, if the driver wants to hear it
 * @sim: the device
 * @hint: what the device writes, and what it says that it wrote
 *
 * Return: 0, or -EAGAIN while there is no buffer.
 */
int bsim_pressure_send(struct bsim *sim, const struct bsim_hint *hint)
{
	struct bsim_queue *q = pressure_queue(sim);
	struct bsim_buf *b = NULL;

	mutex_lock(&sim->service);
	spin_lock_irq(&sim->lock);
	if (q && q->vq && !q->bad && !sim->gone)
		b = list_first_entry_or_null(&q->waiting, struct bsim_buf, node);
	if (b) {
		write_hint(q, b, hint);
		sim->pressure.seq = hint->seq;
		sim->pressure.hints++;
		bsim_queue_use(q, b, hint->len);
	} else {
		sim->pressure.busy++;
	}
	spin_unlock_irq(&sim->lock);
	mutex_unlock(&sim->service);
	return b ? 0 : -EAGAIN;
}

static int set_field(struct bsim_hint *hint, const char *key, const char *value)
{
	if (!strcmp(key, "need"))
		return kstrtou64(value, 0, &hint->need);
	if (!strcmp(key, "ttl_ms"))
		return kstrtou32(value, 0, &hint->ttl_ms);
	if (!strcmp(key, "seq"))
		return kstrtou32(value, 0, &hint->seq);
	if (!strcmp(key, "reserved"))
		return kstrtou32(value, 0, &hint->reserved);
	if (!strcmp(key, "len"))
		return kstrtou32(value, 0, &hint->len);
	return -EINVAL;
}

/* "LEVEL [key=value]...", see below. @text is changed. */
static int send_text(struct bsim *sim, char *text)
{
	struct bsim_hint hint = {
		.seq = bsim_pressure_next(sim),
		.len = sizeof(struct bsim_wire_hint),
	};
	char *word = strsep(&text, " "), *value;
	int err = kstrtou32(word, 0, &hint.level);

	while (!err && (word = strsep(&text, " "))) {
		value = strchr(word, '=');
		if (!value)
			return -EINVAL;
		*value++ = '\0';
		err = set_field(&hint, word, value);
	}
	return err ?: bsim_pressure_send(sim, &hint);
}

/* As many hints as can be sent in so many ms, each of them a good one. */
static void flood(struct bsim *sim, u32 ms)
{
	ktime_t end = ktime_add_ms(ktime_get(), ms);

	while (ktime_before(ktime_get(), end) && !fatal_signal_pending(current)) {
		struct bsim_hint hint = {
			.level = BSIM_PRESSURE_CRITICAL,
			.seq = bsim_pressure_next(sim),
			.len = sizeof(struct bsim_wire_hint),
		};

		bsim_pressure_send(sim, &hint);
		udelay(FLOOD_US);
		cond_resched();
	}
}

static ssize_t press_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	char *text;
	int err;

	if (len > TEXT_MAX)
		return -EINVAL;
	text = memdup_user_nul(from, len);
	if (IS_ERR(text))
		return PTR_ERR(text);
	err = send_text(file->private_data, strim(text));
	kfree(text);
	return err ?: len;
}

static const struct file_operations press_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= press_write,
	.llseek	= noop_llseek,
};

static int press_flood_set(void *data, u64 val)
{
	flood(data, val);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(press_flood_fops, NULL, press_flood_set, "%llu\n");

void bsim_pressure_debugfs(struct bsim *sim)
{
	struct bsim_pressure *pr = &sim->pressure;
	struct dentry *d = sim->dir;

	debugfs_create_file("press", 0200, d, sim, &press_fops);
	debugfs_create_file("press_flood", 0200, d, sim, &press_flood_fops);
	debugfs_create_u32("press_seq", 0400, d, &pr->seq);
	debugfs_create_u64("press_hints", 0400, d, &pr->hints);
	debugfs_create_u64("press_busy", 0400, d, &pr->busy);
	debugfs_create_u64("press_replies", 0400, d, &pr->replies);
	debugfs_create_u64("press_invalid", 0400, d, &pr->invalid);
	debugfs_create_u64("press_yielded", 0400, d, &pr->yielded);
	debugfs_create_u32("press_reply_seq", 0400, d, &pr->reply_seq);
	debugfs_create_u64("press_reply_yielded", 0400, d, &pr->reply_yielded);
	debugfs_create_u64("press_reply_slack", 0400, d, &pr->reply_slack);
}
