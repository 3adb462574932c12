"""
MobileNetV2: inverted residual blocks, for colour images cropped to 224; fast without a GPU.

Any size from 32 x 32 up will do. The input is 0..255 less the mean.
"""

from torch import nn

# How much wider a block is inside, its outputs, how many of them, stride of the first.
BLOCKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def conv(inputs, outputs, size, stride=1, groups=1):
    return [
        nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]


class Block(nn.Module):
    """Widen, filter each channel on its own, narrow; with a short cut where sizes allow."""

    def __init__(self, inputs, outputs, stride, widening):
        super().__init__()
        wide = inputs * widening
        layers = [] if widening == 1 else [*conv(inputs, wide, 1), nn.ReLU6()]
        layers += [*conv(wide, wide, 3, stride, groups=wide), nn.ReLU6(), *conv(wide, outputs, 1)]
        self.layers = nn.Sequential(*layers)
        self.has_short_cut = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.has_short_cut else self.layers(x)


def build(p):
    channels, height, width = p.input_shape
    if min(height, width) < 32:
        raise ValueError("MobileNetV2 needs images of at least 32 x 32 pixels")

    layers = [*conv(channels, 32, 3, stride=2), nn.ReLU6()]
    inputs = 32
    for widening, outputs, count, first_stride in BLOCKS:
        for number in range(count):
            stride = first_stride if number == 0 else 1
            layers.append(Block(inputs, outputs, stride, widening))
            inputs = outputs
    layers += [*conv(inputs, 1280, 1), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    layers += [nn.Dropout(0.2), nn.Linear(1280, p.classes)]

    model = nn.Sequential(*layers)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
    return {"model": model, "train_batch_size": 32, "val_batch_size": 32}
