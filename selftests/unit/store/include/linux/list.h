/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lists as in the kernel's header of this name. An entry that is on no list has
 * NULL pointers: one that is added twice, or taken off twice, is a bug. Another
 * processor may come in between while nobody holds a lock.
 */
#ifndef STORE_LINUX_LIST_H
#define STORE_LINUX_LIST_H

#include <linux/bug.h>
#include <linux/types.h>
#include <stddef.h>

#define container_of(ptr, type, member)					\
	((type *)((char *)(ptr) - offsetof(type, member)))

struct list_head {
	struct list_head *next, *prev;
};

void other_processors(void);

#define LIST_HEAD(name)	struct list_head name = { &(name), &(name) }

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline void list_link(struct list_head *a, struct list_head *b)
{
	a->next = b;
	other_processors();
	b->prev = a;
}

static inline void list_add(struct list_head *entry, struct list_head *head)
{
	never(entry->next || entry->prev);
	list_link(entry, head->next);
	list_link(head, entry);
}

static inline void list_add_tail(struct list_head *entry,
				 struct list_head *head)
{
	list_add(entry, head->prev);
}

static inline void list_del(struct list_head *entry)
{
	never(!entry->next || !entry->prev);
	never(entry->next->prev != entry || entry->prev->next != entry);
	list_link(entry->prev, entry->next);
	entry->next = NULL;
	entry->prev = NULL;
}

static inline void list_move(struct list_head *entry, struct list_head *head)
{
	list_del(entry);
	list_add(entry, head);
}

static inline void list_move_tail(struct list_head *entry,
				  struct list_head *head)
{
	list_del(entry);
	list_add_tail(entry, head);
}

/* The head of @list is of no use afterwards, as in the kernel. */
static inline void list_splice(struct list_head *list, struct list_head *head)
{
	if (list_empty(list))
		return;
	list_link(list->prev, head->next);
	list_link(head, list->next);
}

static inline void list_splice_tail(struct list_head *list,
				    struct list_head *head)
{
	list_splice(list, head->prev);
}

static inline void list_splice_init(struct list_head *list,
				    struct list_head *head)
{
	list_splice(list, head);
	INIT_LIST_HEAD(list);
}

static inline void list_splice_tail_init(struct list_head *list,
					 struct list_head *head)
{
	list_splice_tail(list, head);
	INIT_LIST_HEAD(list);
}

#define list_entry(ptr, type, member)	container_of(ptr, type, member)

#define list_first_entry(head, type, member)				\
	list_entry((head)->next, type, member)

#define list_first_entry_or_null(head, type, member)			\
	(list_empty(head) ? NULL : list_first_entry(head, type, member))

#define list_for_each_entry(pos, head, member)				\
	for ((pos) = list_first_entry(head, __typeof__(*(pos)), member); \
	     &(pos)->member != (head);					\
	     (pos) = list_first_entry(&(pos)->member,			\
				      __typeof__(*(pos)), member))

#define list_for_each_entry_safe(pos, n, head, member)			\
	for ((pos) = list_first_entry(head, __typeof__(*(pos)), member), \
	     (n) = list_first_entry(&(pos)->member,			\
				    __typeof__(*(pos)), member);	\
	     &(pos)->member != (head);					\
	     (pos) = (n),						\
	     (n) = list_first_entry(&(n)->member,			\
				    __typeof__(*(n)), member))

#endif /* STORE_LINUX_LIST_H */
