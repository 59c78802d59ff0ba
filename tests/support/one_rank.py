"""One process of test_many_processes.py: `python one_rank.py RANK COUNT IMAGES MEETING` prints its scores as JSON."""

import json
import sys

import torch
import torch.distributed as dist
from shrunk import EVERYTHING, SCORES, diversity_of_colours, pictures, prepared


def main(rank, count, images, meeting):
    SCORES["lpips_diversity"] = diversity_of_colours
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=count)
    scores = prepared(
        pictures(300, 0), images, EVERYTHING, labels=torch.arange(300) % 3, classes=("a", "b", "c"), splits=3
    )
    fake, own = pictures(images, 1), torch.arange(rank, images, count)
    for numbers in own.split(16):
        scores.update(fake[numbers], numbers, numbers % 3)
    print(json.dumps(scores.compute()))  # noqa: T201
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), sys.argv[4])
