"""
ResNet-18: eight residual blocks with batch normalisation, for colour images cropped to 224.

Any size from 32 x 32 up will do. The input is 0..255 less the mean.
"""

from torch import nn


class Block(nn.Module):
    """Two convolutions, and a short cut around them."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.short_cut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.short_cut = nn.Sequential(
                nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(outputs),
            )
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.layers(x) + self.short_cut(x))


def build(p):
    channels, height, width = p.input_shape
    if min(height, width) < 32:
        raise ValueError("ResNet-18 needs images of at least 32 x 32 pixels")

    model = nn.Sequential(
        nn.Conv2d(channels, 64, kernel_size=7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
        Block(64, 64, stride=1),
        Block(64, 64, stride=1),
        Block(64, 128, stride=2),
        Block(128, 128, stride=1),
        Block(128, 256, stride=2),
        Block(256, 256, stride=1),
        Block(256, 512, stride=2),
        Block(512, 512, stride=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(512, p.classes),
    )
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return {"model": model, "train_batch_size": 32, "val_batch_size": 32}
