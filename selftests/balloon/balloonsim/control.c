// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices by number: made from a line of text, deleted, listed.
 */
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "balloonsim.h"

/* Devices come and go one at a time. */
DEFINE_MUTEX(bsim_control_lock);
static LIST_HEAD(devices);

static struct bsim *find_device(unsigned int id)
{
	struct bsim *sim;

	list_for_each_entry(sim, &devices, node)
		if (sim->setup.id == id)
			return sim;
	return NULL;
}

static int set_u64(u64 *to, const char *value)
{
	return kstrtou64(value, 0, to);
}

static int set_option(struct bsim_setup *s, const char *key, const char *value)
{
	if (!strcmp(key, "features"))
		return set_u64(&s->features, value);
	if (!strcmp(key, "require"))
		return set_u64(&s->require, value);
	if (!strcmp(key, "seed"))
		return set_u64(&s->seed, value);
	if (!strcmp(key, "ring"))
		return kstrtou32(value, 0, &s->ring_size);
	if (!strcmp(key, "queues"))
		return kstrtou32(value, 0, &s->queues);
	if (!strcmp(key, "target"))
		return kstrtou32(value, 0, &s->target);
	if (!strcmp(key, "serve"))
		return kstrtobool(value, &s->serve);
	if (!strcmp(key, "overwrite"))
		return kstrtobool(value, &s->overwrite);
	return -EINVAL;
}

/* "ID [key=value]...", for example "0 features=0x100000003 ring=64 seed=7" */
static int parse(struct bsim_setup *s, char *text)
{
	char *word, *value;
	int err;

	word = strsep(&text, " ");
	err = kstrtouint(word, 0, &s->id);

	while (!err && (word = strsep(&text, " "))) {
		if (!*word)
			continue;
		value = strchr(word, '=');
		if (!value)
			return -EINVAL;
		*value++ = '\0';
		err = set_option(s, word, value);
	}
	if (err)
		return err;

	if (!is_power_of_2(s->ring_size) || s->ring_size > BSIM_RING_MAX)
		return -EINVAL;
	return 0;
}

int bsim_new_device(const char *text)
{
	struct bsim_setup setup = {
		.features	= BIT_ULL(VIRTIO_F_VERSION_1),
		.ring_size	= BSIM_RING_DEFAULT,
		.queues		= U32_MAX,
		.seed		= 1,
		.serve		= true,
	};
	struct bsim *sim;
	char *copy;
	int err;

	copy = kstrdup(text, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	err = parse(&setup, strim(copy));
	kfree(copy);
	if (err)
		return err;

	mutex_lock(&bsim_control_lock);
	if (find_device(setup.id)) {
		err = -EEXIST;
	} else {
		sim = bsim_device_create(&setup);
		err = PTR_ERR_OR_ZERO(sim);
		if (!err)
			list_add_tail(&sim->node, &devices);
	}
	mutex_unlock(&bsim_control_lock);
	return err;
}

int bsim_del_device(unsigned int id)
{
	struct bsim *sim;

	mutex_lock(&bsim_control_lock);
	sim = find_device(id);
	if (sim) {
		list_del(&sim->node);
		bsim_device_destroy(sim);
	}
	mutex_unlock(&bsim_control_lock);
	return sim ? 0 : -ENOENT;
}

void bsim_del_all(void)
{
	struct bsim *sim, *next;

	mutex_lock(&bsim_control_lock);
	list_for_each_entry_safe(sim, next, &devices, node) {
		list_del(&sim->node);
		bsim_device_destroy(sim);
	}
	mutex_unlock(&bsim_control_lock);
}

int bsim_list_devices(char *buf, size_t size)
{
	struct bsim *sim;
	int n = 0;

	mutex_lock(&bsim_control_lock);
	list_for_each_entry(sim, &devices, node)
		n += scnprintf(buf + n, size - n, "%u\n", sim->setup.id);
	mutex_unlock(&bsim_control_lock);
	return n;
}
