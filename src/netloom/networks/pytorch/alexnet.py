"""
AlexNet: five convolutions and three dense layers, for 256 x 256 colour images cropped to 224.

The input is 0..255 less the mean; the small starting weights take account of that.
"""

import torch
from torch import nn


def build(p):
    channels, height, width = p.input_shape
    if min(height, width) < 63:
        raise ValueError("AlexNet needs images of at least 63 x 63 pixels")

    features = nn.Sequential(
        nn.Conv2d(channels, 96, kernel_size=11, stride=4, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(96, 256, kernel_size=5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(256, 384, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 384, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),
        nn.Flatten(),
    )
    with torch.no_grad():  # what the convolutions leave of one image: 9216 values at 224 x 224
        size = features(torch.zeros(1, *p.input_shape)).shape[1]

    model = nn.Sequential(
        features,
        nn.Dropout(0.5),
        nn.Linear(size, 4096),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(4096, 4096),
        nn.ReLU(),
        nn.Linear(4096, p.classes),
    )
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.005)
            nn.init.constant_(layer.bias, 0.1)
    return {"model": model, "train_batch_size": 128, "val_batch_size": 32}
