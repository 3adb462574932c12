"""
GoogLeNet: nine inception blocks, for 256 x 256 colour images cropped to 224.

While training, two auxiliary classifiers in the middle help the gradient on its way
down; each adds 0.3 of its loss. The input is 0..255 less the mean.
"""

import torch
from torch import nn
from torch.nn import functional


def conv(inputs, outputs, **options):
    return nn.Sequential(nn.Conv2d(inputs, outputs, **options), nn.ReLU())


class Inception(nn.Module):
    """Four branches side by side: 1x1, 3x3, 5x5 and pooling."""

    def __init__(self, inputs, one, three_reduce, three, five_reduce, five, pool):
        super().__init__()
        self.one = conv(inputs, one, kernel_size=1)
        self.three = nn.Sequential(
            conv(inputs, three_reduce, kernel_size=1),
            conv(three_reduce, three, kernel_size=3, padding=1),
        )
        self.five = nn.Sequential(
            conv(inputs, five_reduce, kernel_size=1),
            conv(five_reduce, five, kernel_size=5, padding=2),
        )
        self.pool = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1), conv(inputs, pool, kernel_size=1)
        )

    def forward(self, x):
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], dim=1)


class Auxiliary(nn.Module):
    """A small classifier on the features of the middle."""

    def __init__(self, inputs, rows, columns, classes):
        super().__init__()
        rows, columns = (rows - 5) // 3 + 1, (columns - 5) // 3 + 1
        self.layers = nn.Sequential(
            nn.AvgPool2d(5, stride=3),
            conv(inputs, 128, kernel_size=1),
            nn.Flatten(),
            nn.Linear(128 * rows * columns, 1024),
            nn.ReLU(),
            nn.Dropout(0.7),
            nn.Linear(1024, classes),
        )

    def forward(self, x):
        return self.layers(x)


class GoogLeNet(nn.Module):
    def __init__(self, input_shape, classes):
        super().__init__()
        self.stem = nn.Sequential(
            conv(input_shape[0], 64, kernel_size=7, stride=2, padding=3),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75),
            conv(64, 64, kernel_size=1),
            conv(64, 192, kernel_size=3, padding=1),
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
        )
        self.until_4a = nn.Sequential(
            Inception(192, 64, 96, 128, 16, 32, 32),  # 3a
            Inception(256, 128, 128, 192, 32, 96, 64),  # 3b
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Inception(480, 192, 96, 208, 16, 48, 64),  # 4a
        )
        self.until_4d = nn.Sequential(
            Inception(512, 160, 112, 224, 24, 64, 64),  # 4b
            Inception(512, 128, 128, 256, 24, 64, 64),  # 4c
            Inception(512, 112, 144, 288, 32, 64, 64),  # 4d
        )
        self.until_5b = nn.Sequential(
            Inception(528, 256, 160, 320, 32, 128, 128),  # 4e
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            Inception(832, 256, 160, 320, 32, 128, 128),  # 5a
            Inception(832, 384, 192, 384, 48, 128, 128),  # 5b
        )
        self.answer = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.4), nn.Linear(1024, classes)
        )
        with torch.no_grad():
            rows, columns = self.until_4a(self.stem(torch.zeros(1, *input_shape))).shape[2:]
        self.after_4a = Auxiliary(512, rows, columns, classes)
        self.after_4d = Auxiliary(528, rows, columns, classes)

    def forward(self, x):
        middle = self.until_4a(self.stem(x))
        late = self.until_4d(middle)
        answer = self.answer(self.until_5b(late))
        if self.training:
            return answer, self.after_4a(middle), self.after_4d(late)
        return answer


def loss(output, target):
    if not isinstance(output, tuple):  # validation: the answer alone
        return functional.cross_entropy(output, target)
    answer, first, second = (functional.cross_entropy(scores, target) for scores in output)
    return answer + 0.3 * first + 0.3 * second


def build(p):
    if min(p.input_shape[1:]) < 79:
        raise ValueError("GoogLeNet needs images of at least 79 x 79 pixels")

    model = GoogLeNet(p.input_shape, p.classes)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.constant_(layer.bias, 0.2 if isinstance(layer, nn.Conv2d) else 0.0)
    return {"model": model, "loss": loss, "train_batch_size": 32, "val_batch_size": 16}
