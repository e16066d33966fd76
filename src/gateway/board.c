/* SPDX-License-Identifier: Apache-2.0 */
/* The board on its pages.  Must be made before the first fork. */
#include "gateway/board.h"

#include <stdlib.h>

int hf_board_new(size_t workers, struct hf_board **ret_board, struct hf_err *err)
{
	HF_AUTO(hf_board) board = calloc(1, sizeof(*board));
	int rc;

	if (board == NULL)
		return hf_err_nomem(err);
	rc = hf_pages_map(1, sizeof(*board->orders), &board->order_page, err);
	if (rc == 0)
		rc = hf_pages_map(workers, sizeof(*board->workers), &board->worker_pages, err);
	if (rc < 0)
		return rc;
	board->orders = (void *)board->order_page.at;
	board->workers = (void *)board->worker_pages.at;
	board->orders->drain_ms = -1;
	*ret_board = hf_take(board);
	return 0;
}

int hf_board_keep(struct hf_board *board, size_t worker, struct hf_err *err)
{
	int rc = hf_pages_keep(&board->order_page, HF_PAGES_NONE, err);

	return rc < 0 ? rc : hf_pages_keep(&board->worker_pages, worker, err);
}

void hf_board_free(struct hf_board *board)
{
	if (board == NULL)
		return;
	hf_pages_done(&board->order_page);
	hf_pages_done(&board->worker_pages);
	free(board);
}
