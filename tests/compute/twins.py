"""The networks of compute/networks once more, as modules of torch.nn: written from the papers, not from our tables."""

import torch
from torch import Tensor, nn


class Add(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a + b


class Concat(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat((a, b), 1)


class Beside(nn.Module):
    """relu(body(x) + shortcut(x)); without the ReLU, or side by side, where asked for."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None, act: bool = True, join: bool = False):
        super().__init__()
        self.body, self.shortcut = body, shortcut or nn.Identity()
        self.joint, self.act = Concat() if join else Add(), nn.ReLU() if act else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.joint(self.body(x), self.shortcut(x)))


def cbr(c_in: int, c_out: int, k: int = 1, stride: int = 1, groups: int = 1, act: type[nn.Module] | None = nn.ReLU):
    layers = [nn.Conv2d(c_in, c_out, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(c_out)]
    return nn.Sequential(*layers, *([act()] if act else []))


def head(channels: int, *before: nn.Module) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), *before, nn.Linear(channels, 1000)]


def dense_head(features: int, drop_first: bool = False) -> list[nn.Module]:
    def hidden(a: int) -> list[nn.Module]:
        drop, others = [nn.Dropout()], [nn.Linear(a, 4096), nn.ReLU()]
        return drop + others if drop_first else others + drop

    return [nn.Flatten(), *hidden(features), *hidden(4096), nn.Linear(4096, 1000)]


def alexnet(g: int) -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 96, 11, 4), nn.ReLU(), nn.LocalResponseNorm(5), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(96, 256, 5, 1, 2, groups=g), nn.ReLU(), nn.LocalResponseNorm(5), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(256, 384, 3, 1, 1), nn.ReLU(), nn.Conv2d(384, 384, 3, 1, 1, groups=g), nn.ReLU()),
        *(nn.Conv2d(384, 256, 3, 1, 1, groups=g), nn.ReLU(), nn.MaxPool2d(3, 2), *dense_head(9216)),
    )


def alexnet_one_tower() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(), nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU()),
        *(nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2), nn.AdaptiveAvgPool2d(6)),
        *dense_head(9216, drop_first=True),
    )


def vgg() -> nn.Module:
    layers, before = [], 3
    for after, repeats in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(repeats):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
            before = after
        layers += [nn.MaxPool2d(2)]
    return nn.Sequential(*layers, *dense_head(25088))


def nin(k: int) -> nn.Module:
    def mlp(c_in: int, a: int, b: int, c: int, side: int, groups: int) -> list[nn.Module]:
        first = nn.Conv2d(c_in, a, side, padding=side // 2, groups=groups)
        convs = (first, nn.Conv2d(a, b, 1), nn.Conv2d(b, c, 1))
        return [m for conv in convs for m in (conv, nn.BatchNorm2d(conv.out_channels, affine=False), nn.ReLU())]

    return nn.Sequential(
        *(*mlp(3, 192, 160, 96, 5, 1), nn.MaxPool2d(3, 2, ceil_mode=True)),
        *(*mlp(96, 192, 192, 192, 5, k), nn.AvgPool2d(3, 2, ceil_mode=True)),
        *(*mlp(192, 192, 192, 10, 3, max(1, k // 2)), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )


def resnet(blocks: list[int], groups: list[int], base: int = 64) -> nn.Module:
    """base: channels of a 3 x 3 convolution in the first stage."""
    layers, before = [cbr(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
    for stage, (count, g) in enumerate(zip(blocks, groups, strict=True)):
        width, after = base << stage, 256 << stage
        for i in range(count):
            stride = 2 if i == 0 and stage > 0 else 1
            shortcut = cbr(before, after, 1, stride, act=None) if i == 0 else None
            body = (cbr(before, width), cbr(width, width, 3, stride, g), cbr(width, after, act=None))
            layers.append(Beside(nn.Sequential(*body), shortcut))
            before = after
    return nn.Sequential(*layers, *head(2048))


def mobilenet_v1() -> nn.Module:
    layers, before = [cbr(3, 32, 3, 2)], 32
    for after in (64, 128, 128, 256, 256, *[512] * 6, 1024, 1024):
        stride = 2 if after > before and after != 64 else 1
        layers += [cbr(before, before, 3, stride, before), cbr(before, after)]
        before = after
    return nn.Sequential(*layers, *head(1024))


def mobilenet_v2() -> nn.Module:
    layers, before = [cbr(3, 32, 3, 2, act=nn.ReLU6)], 32
    for line in ("1 16 1 1", "6 24 2 2", "6 32 3 2", "6 64 4 2", "6 96 3 1", "6 160 3 2", "6 320 1 1"):
        t, after, repeats, first = map(int, line.split())
        for i in range(repeats):
            stride, wide = (first if i == 0 else 1), before * t
            widen = [cbr(before, wide, act=nn.ReLU6)] if t > 1 else []
            body = nn.Sequential(*widen, cbr(wide, wide, 3, stride, wide, nn.ReLU6), cbr(wide, after, act=None))
            layers.append(Beside(body, act=False) if stride == 1 and before == after else body)
            before = after
    return nn.Sequential(*layers, cbr(320, 1280, act=nn.ReLU6), *head(1280, nn.Dropout(0.2)))


def shufflenet(g: int) -> nn.Module:
    layers, before = [cbr(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1)], 24
    stage2 = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}[g]
    for after, repeats in ((stage2, 4), (2 * stage2, 8), (4 * stage2, 4)):
        for i in range(repeats):
            mid, made, stride = after // 4, after - (before if i == 0 else 0), 2 if i == 0 else 1
            first = cbr(before, mid, groups=1 if before == 24 else g)
            mixed = [nn.ChannelShuffle(g)] if g > 1 else []
            body = (first, *mixed, cbr(mid, mid, 3, stride, mid, None), cbr(mid, made, 1, 1, g, None))
            pooled = nn.AvgPool2d(3, 2, 1) if i == 0 else None
            layers.append(Beside(nn.Sequential(*body), pooled, join=i == 0))
            before = after
    return nn.Sequential(*layers, *head(before))


def squeezenet() -> nn.Module:
    def fire(c_in: int, s: int, e: int) -> nn.Module:
        pointwise, spatial = nn.Conv2d(s, e, 1), nn.Conv2d(s, e, 3, padding=1)
        both = Beside(nn.Sequential(pointwise, nn.ReLU()), nn.Sequential(spatial, nn.ReLU()), act=False, join=True)
        return nn.Sequential(nn.Conv2d(c_in, s, 1), nn.ReLU(), both)

    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    return nn.Sequential(
        *(nn.Conv2d(3, 96, 7, 2), nn.ReLU(), pool()),
        *(fire(96, 16, 64), fire(128, 16, 64), fire(128, 32, 128), pool()),
        *(fire(256, 32, 128), fire(256, 48, 192), fire(384, 48, 192), fire(384, 64, 256), pool()),
        *(fire(512, 64, 256), nn.Dropout(), nn.Conv2d(512, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )
