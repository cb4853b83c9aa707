"""The image models as a script of PyTorch writes them, with torchvision's names: independent of
pydp, and reduced in width."""

import torch
from torch import nn


def conv(i, o, k, *more, **options):
    return [nn.Conv2d(i, o, k, *more, **options), nn.ReLU()]


class Parts(nn.Module):
    """features, a pool, classifier: torchvision's AlexNet and VGG."""

    def __init__(self, features, pool, classifier):
        super().__init__()
        self.features = nn.Sequential(*features)
        self.avgpool = pool
        self.classifier = nn.Sequential(*classifier)

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def alexnet(classes):
    """A sixteenth as wide."""
    features = [
        *conv(3, 4, 11, stride=4, padding=2), nn.MaxPool2d(3, 2),
        *conv(4, 12, 5, padding=2), nn.MaxPool2d(3, 2),
        *conv(12, 24, 3, padding=1), *conv(24, 16, 3, padding=1), *conv(16, 16, 3, padding=1),
        nn.MaxPool2d(3, 2),
    ]  # fmt: skip
    classifier = [
        nn.Dropout(0.0), nn.Linear(16 * 36, 256), nn.ReLU(),
        nn.Dropout(0.0), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, classes),
    ]  # fmt: skip
    return Parts(features, nn.AdaptiveAvgPool2d(6), classifier)


class PaperNorm(nn.Module):
    """b = a / (k + α Σ a²)^β over n channels, as the paper writes it."""

    def forward(self, a):
        squares = nn.functional.pad(a**2, (0, 0, 0, 0, 2, 2))
        total = sum(squares[:, i : i + a.shape[1]] for i in range(5))
        return a / (2 + 1e-4 * total) ** 0.75


def alexnet_2012(classes):
    """A sixteenth as wide; the keys are positions, as in `alexnet`."""
    return nn.Sequential(
        *conv(3, 6, 11, stride=4, padding=2), PaperNorm(), nn.MaxPool2d(3, 2),
        *conv(6, 16, 5, padding=2, groups=2), PaperNorm(), nn.MaxPool2d(3, 2),
        *conv(16, 24, 3, padding=1), *conv(24, 24, 3, padding=1, groups=2),
        *conv(24, 16, 3, padding=1, groups=2), nn.MaxPool2d(3, 2), nn.Flatten(),
        nn.Linear(16 * 36, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, classes),
    )  # fmt: skip


def lenet(classes):
    return nn.Sequential(
        *conv(1, 32, 5, padding=2), nn.MaxPool2d(2), *conv(32, 64, 5, padding=2), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, classes),
    )  # fmt: skip


def lenet_1998(classes):
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(),
        nn.Linear(84, classes),
    )  # fmt: skip


def convnetjs_mnist(classes):
    return nn.Sequential(
        *conv(1, 8, 5, padding=2), nn.MaxPool2d(2), *conv(8, 16, 5, padding=2), nn.MaxPool2d(3),
        nn.Flatten(), nn.Linear(256, classes),
    )  # fmt: skip


def convnetjs_cifar10(classes):
    return nn.Sequential(
        *conv(3, 16, 5, padding=2), nn.MaxPool2d(2), *conv(16, 20, 5, padding=2), nn.MaxPool2d(2),
        *conv(20, 20, 5, padding=2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(320, classes),
    )  # fmt: skip


VGG = {
    11: "64 M 128 M 256 256 M 512 512 M 512 512 M",
    13: "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    16: "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    19: "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


def vgg(depth, classes, batch_norm=False):
    """A sixteenth as wide."""
    layers, before = [], 3
    for word in VGG[depth].split():
        if word == "M":
            layers.append(nn.MaxPool2d(2, 2))
            continue
        after = int(word) // 16
        layers.append(nn.Conv2d(before, after, 3, padding=1))
        layers += [nn.BatchNorm2d(after)] if batch_norm else []
        layers.append(nn.ReLU())
        before = after
    classifier = [
        nn.Linear(32 * 49, 256), nn.ReLU(), nn.Dropout(0.0),
        nn.Linear(256, 256), nn.ReLU(), nn.Dropout(0.0), nn.Linear(256, classes),
    ]  # fmt: skip
    return Parts(layers, nn.AdaptiveAvgPool2d(7), classifier)


class Block(nn.Module):
    """torchvision's BasicBlock, and its Bottleneck where `spread` is 4."""

    def __init__(self, before, inner, stride, spread):
        super().__init__()
        after = inner * spread
        if spread == 1:
            self.conv1 = nn.Conv2d(before, inner, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(inner)
            self.conv2 = nn.Conv2d(inner, after, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(after)
        else:
            self.conv1 = nn.Conv2d(before, inner, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(inner)
            self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(inner)
            self.conv3 = nn.Conv2d(inner, after, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(after)
        self.downsample = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if hasattr(self, "conv3"):
            y = self.bn3(self.conv3(torch.relu(y)))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """A sixteenth as wide."""

    def __init__(self, counts, spread, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        before = 4
        for i, n in enumerate(counts):
            inner, blocks = 4 * 2**i, []
            for j in range(n):
                blocks.append(Block(before, inner, 2 if i and not j else 1, spread))
                before = inner * spread
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(before, classes)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return self.fc(x.mean((2, 3)))


def resnet(depth, classes):
    counts = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}[depth]
    return ResNet(counts, 4 if depth > 34 else 1, classes)


def autoencoder():
    return nn.Sequential(
        nn.Linear(12, 7), nn.ReLU(), nn.Linear(7, 3),
        nn.Linear(3, 7), nn.ReLU(), nn.Linear(7, 12),
    )  # fmt: skip
