"""PyTorch on the CPU."""

import torch
from protocol import THREADS, Job, load, serve
from torch_rqvae import rqvae_steps

BLOCK_ROWS = 8192


def assign(task):
    """‖c‖² − 2x·c by addmm and argmin, by blocks of rows so that n × k is never held."""
    x, codebook = torch.from_numpy(load(task)), torch.from_numpy(load(task, "codebook"))
    transposed = codebook.T.contiguous()

    def run():
        norms = (codebook * codebook).sum(1)
        return torch.cat(
            [
                torch.addmm(norms, block, transposed, alpha=-2).argmin(1)
                for block in x.split(BLOCK_ROWS)
            ]
        )

    return Job(run, lambda codes: codes.to(torch.int32).numpy()[:, None])


torch.set_num_threads(THREADS)
torch.set_grad_enabled(False)
serve(
    f"PyTorch {torch.__version__}",
    {"assign": assign, "rqvae-step": rqvae_steps},
    details=[torch.backends.cpu.get_cpu_capability()],
)
