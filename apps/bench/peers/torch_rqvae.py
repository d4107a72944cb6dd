"""An RQ-VAE written plainly in PyTorch, eager; src/drivers/tessera-rqvae.ts trains the same."""

import numpy as np
import torch
from protocol import Job, load
from torch import nn

WIDTHS = [512, 256, 128, 32]
LEVELS, CODEBOOK_SIZE = 3, 256
COMMITMENT = 0.25
STRIDE = 7919


def mlp(widths):
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class RqVae(nn.Module):
    def __init__(self, dimension):
        super().__init__()
        self.encoder = mlp([dimension, *WIDTHS])
        self.decoder = mlp([*WIDTHS[::-1], dimension])
        self.codebooks = nn.Parameter(torch.empty(LEVELS, CODEBOOK_SIZE, WIDTHS[-1]))
        with torch.no_grad():
            for tensor, values in enumerate(self.parameters_in_order()):
                values.copy_(given(values.shape, tensor, self.bound_of(tensor)))

    def parameters_in_order(self):
        networks = [self.encoder, self.decoder]
        return [p for network in networks for p in network.parameters()] + [self.codebooks]

    def bound_of(self, tensor):
        """Of weights and biases 1/√inputs."""
        everything = self.parameters_in_order()
        if tensor == len(everything) - 1:
            return 0.1
        return everything[tensor - tensor % 2].shape[1] ** -0.5

    def quantize(self, z):
        """The sum of the codewords, and what codebooks and commitment cost."""
        left, total, loss = z, torch.zeros_like(z), 0.0
        for codebook in self.codebooks:
            # The squared norm of a row is the same for all codewords.
            distances = torch.addmm((codebook * codebook).sum(1), left, codebook.T, alpha=-2)
            chosen = codebook[distances.detach().argmin(1)]
            loss = loss + ((left.detach() - chosen) ** 2).sum(1).mean()
            loss = loss + COMMITMENT * ((left - chosen.detach()) ** 2).sum(1).mean()
            total = total + chosen
            left = left - chosen.detach()
        return total, loss

    def forward(self, x):
        z = self.encoder(x)
        q, loss = self.quantize(z)
        y = self.decoder(z + (q - z).detach())
        return y, ((y - x) ** 2).sum(1).mean() + loss


def given(shape, tensor, bound):
    """Uniform in ±bound: a hash of the place and the tensor's number."""
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1)
        x += np.uint32((tensor * 0x85EBCA77) % 2**32)
        x = (x ^ (x >> np.uint32(15))) * np.uint32(0x85EBCA77)
        x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE3D)
        x ^= x >> np.uint32(16)
    values = bound * (2 * (x / 2.0**32) - 1)
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


class Loop:
    """Steps on batches in a given order."""

    def __init__(self, rows, batch, fused):
        self.rows, self.batch, self.done = rows, batch, 0
        self.model = RqVae(rows.shape[1])
        # "Plainly" leaves the kind of optimizer to PyTorch.
        kind = {"fused": True} if fused else {}
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=1e-3, weight_decay=0, **kind
        )

    def train(self, steps):
        with torch.enable_grad():
            for _ in range(steps):
                first = self.done * self.batch
                indices = torch.arange(first, first + self.batch) * STRIDE % len(self.rows)
                _, loss = self.model(self.rows[indices])
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                self.done += 1

    def reconstruct(self):
        model = self.model
        return model.decoder(model.quantize(model.encoder(self.rows))[0]).numpy()


def rqvae_steps(task):
    rows = torch.from_numpy(load(task))
    parameters = task["parameters"]
    settings = rows, parameters["batch"], parameters.get("fused", False)
    loop = Loop(*settings)

    def result(_):
        judged = Loop(*settings)
        judged.train(parameters["judgedSteps"])
        return judged.reconstruct()

    return Job(lambda: loop.train(parameters["steps"]), result)
