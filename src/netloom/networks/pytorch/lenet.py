"""
LeNet: two convolutions and two dense layers, for small images such as 28 x 28 grey digits.

The input is 0..255 less the mean; the network scales it itself.
"""

from torch import nn


class Scale(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


def build(p):
    channels, height, width = p.input_shape
    if min(height, width) < 16:
        raise ValueError("LeNet needs images of at least 16 x 16 pixels")
    # Each convolution takes 4 pixels off, each pooling halves what is left.
    rows, columns = (((size - 4) // 2 - 4) // 2 for size in (height, width))

    model = nn.Sequential(
        Scale(0.0125),
        nn.Conv2d(channels, 20, kernel_size=5),
        nn.MaxPool2d(2),
        nn.Conv2d(20, 50, kernel_size=5),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(50 * rows * columns, 500),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(500, p.classes),
    )
    for layer in model:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            # The filler of Caffe's LeNet: outputs as large as inputs, so small batches stay stable.
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="linear")
            nn.init.zeros_(layer.bias)
    return {"model": model, "train_batch_size": 64, "val_batch_size": 32}
