// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a test talks to the devices: /sys/kernel/debug/balloonsim/
 *
 *	new_device	"ID [features=] [require=] [ring=] [queues=] [target=] [seed=]
 *			 [serve=] [overwrite=]": make a device
 *	del_device	"ID": unplug it
 *	devices		the numbers of those that exist
 *	violations	what drivers did wrong, one per line; any write clears
 *	violation_count	how often
 *	ID/		one device; one value per file unless it says otherwise
 *
 * Behaviour (rw): target, serve, mute, overwrite, delay_us, order (fifo lifo shuffle),
 * len_mode (zero true huge random), chaos, chaos_max, storm_hz, storm_max.
 * Doing (write): config_irq, stats_ask, hint_cmd_id, break_queue, break_all,
 * surprise, scrub, sleep (ms), calm, and what pressure.c has. The rest is for
 * reading.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "balloonsim.h"

#define TEXT_MAX	256

static struct dentry *root;

/* ---- numbers with a meaning ------------------------------------------------ */

static int target_get(void *data, u64 *val)
{
	*val = le32_to_cpu(((struct bsim *)data)->config.num_pages);
	return 0;
}

static int target_set(void *data, u64 val)
{
	bsim_set_target(data, val);
	bsim_config_changed(data);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(target_fops, target_get, target_set, "%llu\n");

static int actual_get(void *data, u64 *val)
{
	*val = le32_to_cpu(((struct bsim *)data)->config.actual);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(actual_fops, actual_get, NULL, "%llu\n");

static int held_blocks_get(void *data, u64 *val)
{
	*val = bsim_books_blocks(data);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(held_blocks_fops, held_blocks_get, NULL, "%llu\n");

static int held_offline_get(void *data, u64 *val)
{
	*val = bsim_books_offline(data);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(held_offline_fops, held_offline_get, NULL, "%llu\n");

static int poison_val_get(void *data, u64 *val)
{
	*val = le32_to_cpu(((struct bsim *)data)->config.poison_val);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(poison_val_fops, poison_val_get, NULL, "%#llx\n");

static int hint_cmd_id_get(void *data, u64 *val)
{
	*val = le32_to_cpu(((struct bsim *)data)->config.free_page_hint_cmd_id);
	return 0;
}

static int hint_cmd_id_set(void *data, u64 val)
{
	struct bsim *sim = data;

	spin_lock_irq(&sim->lock);
	sim->config.free_page_hint_cmd_id = cpu_to_le32(val);
	spin_unlock_irq(&sim->lock);
	bsim_config_changed(sim);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(hint_cmd_id_fops, hint_cmd_id_get, hint_cmd_id_set, "%llu\n");

static int serve_get(void *data, u64 *val)
{
	*val = ((struct bsim *)data)->serve;
	return 0;
}

/* When this returns, an answer that was under way is out. */
static int serve_set(void *data, u64 val)
{
	struct bsim *sim = data;

	mutex_lock(&sim->service);
	WRITE_ONCE(sim->serve, !!val);
	mutex_unlock(&sim->service);
	bsim_serve_wake(sim);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(serve_fops, serve_get, serve_set, "%llu\n");

static int chaos_get(void *data, u64 *val)
{
	*val = ((struct bsim *)data)->chaos;
	return 0;
}

static int chaos_set(void *data, u64 val)
{
	struct bsim *sim = data;

	WRITE_ONCE(sim->chaos, !!val);
	wake_up(&sim->mischief_wake);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(chaos_fops, chaos_get, chaos_set, "%llu\n");

static int storm_hz_get(void *data, u64 *val)
{
	*val = ((struct bsim *)data)->storm_hz;
	return 0;
}

static int storm_hz_set(void *data, u64 val)
{
	struct bsim *sim = data;

	WRITE_ONCE(sim->storm_hz, val);
	wake_up(&sim->mischief_wake);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(storm_hz_fops, storm_hz_get, storm_hz_set, "%llu\n");

/* ---- things to do ------------------------------------------------------------ */

static int config_irq_set(void *data, u64 val)
{
	while (val--)
		bsim_config_changed(data);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(config_irq_fops, NULL, config_irq_set, "%llu\n");

static int stats_ask_set(void *data, u64 val)
{
	return bsim_stats_ask(data);
}
DEFINE_DEBUGFS_ATTRIBUTE(stats_ask_fops, NULL, stats_ask_set, "%llu\n");

static int break_queue_set(void *data, u64 val)
{
	struct bsim *sim = data;
	int err = 0;

	if (val >= sim->nr_queues)
		return -EINVAL;

	/* the driver takes its queue away under this mutex */
	mutex_lock(&sim->service);
	if (sim->queues[val].vq)
		__virtqueue_break(sim->queues[val].vq);
	else
		err = -ENOENT;
	mutex_unlock(&sim->service);
	return err;
}
DEFINE_DEBUGFS_ATTRIBUTE(break_queue_fops, NULL, break_queue_set, "%llu\n");

static int break_all_set(void *data, u64 val)
{
	virtio_break_device(&((struct bsim *)data)->vdev);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(break_all_fops, NULL, break_all_set, "%llu\n");

/* Somebody pulls the card out: the bus finds out first, then tells the driver. */
static int surprise_set(void *data, u64 val)
{
	struct bsim *sim = data;

	mutex_lock(&sim->service);
	WRITE_ONCE(sim->gone, true);
	mutex_unlock(&sim->service);
	virtio_break_device(&sim->vdev);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(surprise_fops, NULL, surprise_set, "%llu\n");

static int scrub_set(void *data, u64 val)
{
	struct bsim *sim = data;

	mutex_lock(&sim->service);
	bsim_books_scrub(sim, BSIM_SCRUB_ALL, "scrub");
	mutex_unlock(&sim->service);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(scrub_fops, NULL, scrub_set, "%llu\n");

static int sleep_set(void *data, u64 val)
{
	return bsim_sleep(data, val);
}
DEFINE_DEBUGFS_ATTRIBUTE(sleep_fops, NULL, sleep_set, "%llu\n");

static int calm_set(void *data, u64 val)
{
	bsim_calm(data);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(calm_fops, NULL, calm_set, "%llu\n");

/* ---- words --------------------------------------------------------------------- */

static const char * const order_words[] = { "fifo", "lifo", "shuffle", NULL };
static const char * const len_words[] = { "zero", "true", "huge", "random", NULL };

static ssize_t word_set(const char __user *from, size_t len, const char * const words[], u32 *to)
{
	char text[16];
	int i;

	if (len >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, len))
		return -EFAULT;
	text[len] = '\0';

	for (i = 0; words[i]; i++) {
		if (!sysfs_streq(text, words[i]))
			continue;
		WRITE_ONCE(*to, i);
		return len;
	}
	return -EINVAL;
}

#define WORD_FILE(name, words)								\
static int name##_show(struct seq_file *m, void *unused)				\
{											\
	seq_printf(m, "%s\n", (words)[((struct bsim *)m->private)->name]);		\
	return 0;									\
}											\
											\
static int name##_open(struct inode *inode, struct file *file)				\
{											\
	return single_open(file, name##_show, inode->i_private);			\
}											\
											\
static ssize_t name##_write(struct file *file, const char __user *from, size_t len,	\
			    loff_t *pos)						\
{											\
	struct bsim *sim = ((struct seq_file *)file->private_data)->private;		\
											\
	return word_set(from, len, words, &sim->name);					\
}											\
											\
static const struct file_operations name##_fops = {					\
	.owner		= THIS_MODULE,							\
	.open		= name##_open,							\
	.read		= seq_read,							\
	.write		= name##_write,							\
	.llseek		= seq_lseek,							\
	.release	= single_release,						\
}

WORD_FILE(order, order_words);
WORD_FILE(len_mode, len_words);

/* ---- tables to read -------------------------------------------------------------- */

static int name_show(struct seq_file *m, void *unused)
{
	struct bsim *sim = m->private;

	seq_printf(m, "%s\n", dev_name(&sim->vdev.dev));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(name);

/* the last statistics: "tag value" */
static int stats_show(struct seq_file *m, void *unused)
{
	struct bsim *sim = m->private;
	struct bsim_stat_seen stats[BSIM_STATS_MAX];
	unsigned int i, n;

	spin_lock_irq(&sim->lock);
	n = sim->nr_stats;
	memcpy(stats, sim->stats, sizeof(stats));
	spin_unlock_irq(&sim->lock);

	for (i = 0; i < n; i++)
		seq_printf(m, "%u %llu\n", stats[i].tag, stats[i].val);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

DEFINE_SHOW_ATTRIBUTE(bsim_queues);

static void add_numbers(struct bsim *sim)
{
	struct dentry *d = sim->dir;

	debugfs_create_x64("features", 0400, d, &sim->setup.features);
	debugfs_create_x64("negotiated", 0400, d, &sim->negotiated);
	debugfs_create_x8("status", 0400, d, &sim->status);
	debugfs_create_u64("seed", 0400, d, &sim->setup.seed);
	debugfs_create_u32("ring_size", 0400, d, &sim->setup.ring_size);
	debugfs_create_u32("config_len", 0400, d, &sim->config_len);
	debugfs_create_u64("actual_writes", 0400, d, &sim->actual_writes);
	debugfs_create_u64("config_reads", 0400, d, &sim->config_reads);

	debugfs_create_u64("held", 0400, d, &sim->books.held);
	debugfs_create_u64("inflating", 0400, d, &sim->books.inflating);
	debugfs_create_u64("deflating", 0400, d, &sim->books.deflating);
	debugfs_create_u64("inflated", 0400, d, &sim->books.inflated);
	debugfs_create_u64("deflated", 0400, d, &sim->books.deflated);
	debugfs_create_u64("inflated_reported", 0400, d, &sim->books.inflated_reported);
	debugfs_create_u64("held_at_reset", 0400, d, &sim->books.held_at_reset);
	debugfs_create_u64("painted", 0400, d, &sim->books.painted);
	debugfs_create_u64("scrubbed", 0400, d, &sim->books.scrubbed);

	debugfs_create_u64("stats_buffers", 0400, d, &sim->stats_buffers);
	debugfs_create_u32("hint_last_id", 0400, d, &sim->hint_last_id);
	debugfs_create_u64("hint_starts", 0400, d, &sim->hint_starts);
	debugfs_create_u64("hint_stops", 0400, d, &sim->hint_stops);
	debugfs_create_u64("hint_blocks", 0400, d, &sim->hint_blocks);
	debugfs_create_u64("hint_pages", 0400, d, &sim->hint_pages);
	debugfs_create_u64("reported_pages", 0400, d, &sim->reported_pages);
	debugfs_create_u64("storm_changes", 0400, d, &sim->storm_changes);
	debugfs_create_u64("chaos_steps", 0400, d, &sim->chaos_steps);

	debugfs_create_bool("overwrite", 0600, d, &sim->overwrite);
	debugfs_create_x32("mute", 0600, d, &sim->mute);
	debugfs_create_u32("delay_us", 0600, d, &sim->delay_us);
	debugfs_create_u32("chaos_max", 0600, d, &sim->chaos_max);
	debugfs_create_u32("storm_max", 0600, d, &sim->storm_max);
}

void bsim_debugfs_add(struct bsim *sim)
{
	static const struct {
		const char *name;
		umode_t mode;
		const struct file_operations *fops;
	} files[] = {
		{ "target",		0600, &target_fops },
		{ "actual",		0400, &actual_fops },
		{ "held_blocks",	0400, &held_blocks_fops },
		{ "held_offline",	0400, &held_offline_fops },
		{ "poison_val",		0400, &poison_val_fops },
		{ "hint_cmd_id",	0600, &hint_cmd_id_fops },
		{ "serve",		0600, &serve_fops },
		{ "chaos",		0600, &chaos_fops },
		{ "storm_hz",		0600, &storm_hz_fops },
		{ "config_irq",		0200, &config_irq_fops },
		{ "stats_ask",		0200, &stats_ask_fops },
		{ "break_queue",	0200, &break_queue_fops },
		{ "break_all",		0200, &break_all_fops },
		{ "surprise",		0200, &surprise_fops },
		{ "scrub",		0200, &scrub_fops },
		{ "sleep",		0200, &sleep_fops },
		{ "calm",		0200, &calm_fops },
		{ "order",		0600, &order_fops },
		{ "len_mode",		0600, &len_mode_fops },
		{ "name",		0400, &name_fops },
		{ "stats",		0400, &stats_fops },
		{ "queues",		0400, &bsim_queues_fops },
	};
	char id[16];
	int i;

	snprintf(id, sizeof(id), "%u", sim->setup.id);
	sim->dir = debugfs_create_dir(id, root);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		debugfs_create_file(files[i].name, files[i].mode, sim->dir, sim, files[i].fops);
	add_numbers(sim);
	bsim_pressure_debugfs(sim);
}

/* Waits for whoever is reading or writing one of the files. */
void bsim_debugfs_del(struct bsim *sim)
{
	debugfs_remove_recursive(sim->dir);
}

/* ---- the folder of all devices ----------------------------------------------------- */

static ssize_t new_device_write(struct file *file, const char __user *from, size_t len,
				loff_t *pos)
{
	char *text;
	int err;

	if (len > TEXT_MAX)
		return -EINVAL;
	text = memdup_user_nul(from, len);
	if (IS_ERR(text))
		return PTR_ERR(text);
	err = bsim_new_device(text);
	kfree(text);
	return err ?: len;
}

static ssize_t del_device_write(struct file *file, const char __user *from, size_t len,
				loff_t *pos)
{
	unsigned int id;
	int err;

	err = kstrtouint_from_user(from, len, 0, &id);
	if (!err)
		err = bsim_del_device(id);
	return err ?: len;
}

static const struct file_operations new_device_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= new_device_write,
	.llseek	= noop_llseek,
};

static const struct file_operations del_device_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= del_device_write,
	.llseek	= noop_llseek,
};

static ssize_t devices_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	char text[TEXT_MAX];
	int n = bsim_list_devices(text, sizeof(text));

	return simple_read_from_buffer(to, len, pos, text, n);
}

static const struct file_operations devices_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.read	= devices_read,
	.llseek	= default_llseek,
};

static int violations_show(struct seq_file *m, void *unused)
{
	bsim_violations_show(m);
	return 0;
}

static int violations_open(struct inode *inode, struct file *file)
{
	return single_open(file, violations_show, NULL);
}

static ssize_t violations_write(struct file *file, const char __user *from, size_t len,
				loff_t *pos)
{
	bsim_violations_clear();
	return len;
}

static const struct file_operations violations_fops = {
	.owner		= THIS_MODULE,
	.open		= violations_open,
	.read		= seq_read,
	.write		= violations_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

static int violation_count_get(void *data, u64 *val)
{
	*val = bsim_violation_count();
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(violation_count_fops, violation_count_get, NULL, "%llu\n");

int bsim_debugfs_init(void)
{
	root = debugfs_create_dir("balloonsim", NULL);
	if (IS_ERR(root))
		return PTR_ERR(root);

	debugfs_create_file("new_device", 0200, root, NULL, &new_device_fops);
	debugfs_create_file("del_device", 0200, root, NULL, &del_device_fops);
	debugfs_create_file("devices", 0400, root, NULL, &devices_fops);
	debugfs_create_file("violations", 0600, root, NULL, &violations_fops);
	debugfs_create_file("violation_count", 0400, root, NULL, &violation_count_fops);
	return 0;
}

void bsim_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}
