"""Every file of pretrained weights that Atelier can use.

A licence is that of the weights, or of the project that publishes them where it states none for weights alone:
torchvision (whose weights may also be bound by the terms of ImageNet), torch-fidelity (which ported TensorFlow's)
and art-fid.
"""

from dataclasses import dataclass

_TORCHVISION = "https://download.pytorch.org/models"
_DINOV2 = "https://dl.fbaipublicfiles.com/dinov2"


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """A file as its publisher offers it."""

    name: str
    file: str
    """Its name on disk, the publisher's."""
    size: int | None
    """In bytes; None where nobody states it."""
    sha256: str
    """64 hex digits."""
    licence: str
    address: str
    purpose: str
    instead: str = ""
    """What works without it, for whoever cannot have it."""
    joined: bool = False
    """Whether it is made of several files in a clone of the repository at `address`."""

    @property
    def way(self) -> str:
        """The command that brings it, and what that does."""
        if self.joined:
            return f"`atelier weights join` of a clone of {self.address} makes it"
        return f"`atelier weights fetch {self.name}` downloads it"


_FILES = (
    Pretrained(
        name="inception",
        file="weights-inception-2015-12-05-6726825d.pth",
        size=95_628_359,
        sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        licence="Apache-2.0",
        address="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
        "weights-inception-2015-12-05-6726825d.pth",
        purpose="FID, KID and IS",
        instead="metrics=embedded needs no download",
    ),
    Pretrained(
        name="vgg19",
        file="vgg19-dcbb9e9d.pth",
        size=574_673_361,
        sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
        licence="BSD-3-Clause",
        address=f"{_TORCHVISION}/vgg19-dcbb9e9d.pth",
        purpose="content and style",
    ),
    Pretrained(
        name="vgg16",
        file="vgg16-397923af.pth",
        size=553_433_881,
        sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        licence="BSD-3-Clause",
        address=f"{_TORCHVISION}/vgg16-397923af.pth",
        purpose="LPIPS on VGG-16",
    ),
    Pretrained(
        name="alexnet",
        file="alexnet-owt-7be5be79.pth",
        size=244_408_911,
        sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        licence="BSD-3-Clause",
        address=f"{_TORCHVISION}/alexnet-owt-7be5be79.pth",
        purpose="LPIPS on AlexNet",
    ),
    Pretrained(
        name="squeezenet",
        file="squeezenet1_1-b8a52dc0.pth",
        size=4_958_839,
        sha256="b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
        licence="BSD-3-Clause",
        address=f"{_TORCHVISION}/squeezenet1_1-b8a52dc0.pth",
        purpose="LPIPS on SqueezeNet",
    ),
    Pretrained(
        name="dinov2_vits14",
        file="dinov2_vits14_pretrain.pth",
        size=88_283_115,
        sha256="b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9",
        licence="Apache-2.0",
        address=f"{_DINOV2}/dinov2_vits14/dinov2_vits14_pretrain.pth",
        purpose="scores on DINOv2, small",
        instead="metrics=embedded needs no download",
    ),
    Pretrained(
        name="dinov2_vitb14",
        file="dinov2_vitb14_pretrain.pth",
        size=346_378_731,
        sha256="0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73",
        licence="Apache-2.0",
        address=f"{_DINOV2}/dinov2_vitb14/dinov2_vitb14_pretrain.pth",
        purpose="scores on DINOv2, base",
        instead="metrics=embedded needs no download",
    ),
    Pretrained(
        name="dinov2_vitl14",
        file="dinov2_vitl14_pretrain.pth",
        size=1_217_586_395,
        sha256="d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
        licence="Apache-2.0",
        address=f"{_DINOV2}/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
        purpose="scores on DINOv2, large",
        instead="metrics=embedded needs no download",
    ),
    Pretrained(
        name="art_inception",
        file="art_inception.pth",
        size=None,
        # the tag under which the hub serves it, and what others measured; its author names none
        sha256="5bc1c20380401911d99d528b7b6e4430044b56edd5f7f26467222f3fb7c54e7e",
        licence="Apache-2.0",  # of the package
        address="https://huggingface.co/matthias-wright/art_inception/resolve/main/art_inception.pth",
        purpose="ArtFID",
    ),
    Pretrained(
        name="vgg19_slim",
        file="wct16x_all.safetensors",
        size=9_681_444,
        # of the file that the pictures in docs/ were made with, as `safetensors.torch.save` makes it
        sha256="859a6a071662341221c3a6650cb780e516c327d38f3b42b1fb1019a688cfefc9",
        licence="MIT",
        address="https://github.com/MingSun-Tse/Collaborative-Distillation",
        purpose="content and style, and `stylize wct`: made by `join`",
        instead="encoder=embedded needs none",
        joined=True,
    ),
)

PUBLISHED: dict[str, Pretrained] = {file.name: file for file in _FILES}
