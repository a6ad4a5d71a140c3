"""The table's learnables, the literal convolutions, the two runtimes, and the closed-form heat against autograd."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from allviewer.systems.cae_cnn import CAECNN, CODE, HALVES, TAPS, learnables, paper_learnables, shapes
from allviewer.systems.cae_cnn_torch import CAEForward, ClassifierModule, fresh_autoencoder, fresh_classifier
from allviewer.systems.torchvision_guard import import_torchvision
from allviewer.vocab.errors import ModelError
from tests.systems.conftest import make_card
from tests.systems.toys import ToyStudio, defaults_of, fitted, kept_aside


def random_arrays(seed=0, classes=2):
    """Weights that keep activations alive, with running statistics that are not the neutral ones."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, shape in shapes(classes).items():
        if name.endswith("running_var"):
            arrays[name] = rng.uniform(0.5, 2, shape)
        elif name.endswith(("running_mean", "bias")):
            arrays[name] = rng.normal(0, 0.1, shape)
        elif len(shape) == 1:
            arrays[name] = rng.uniform(0.5, 1.5, shape)
        else:
            arrays[name] = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
    arrays["c1.weight"] *= 20  # random codes are alike: without this the crops would hardly differ
    return {name: a.astype(np.float16 if name in HALVES else np.float32) for name, a in arrays.items()}


def as_torch(arrays):
    """Both modules with these weights, in evaluation."""
    forward = CAEForward({name: a.astype(np.float32) for name, a in arrays.items()}, "cpu")
    return forward._autoencoder, forward._classifier


def cae_card(classes=2):
    names, taxonomy = (("blast", "normal"), "all-hem") if classes == 2 else (tuple("abcd"), "own")
    return make_card(system="cae-cnn", input_px=450, classes=names, taxonomy=taxonomy)


@pytest.fixture(scope="module")
def crops():
    small = np.random.default_rng(7).integers(0, 256, (3, 15, 15, 3), dtype=np.uint8)
    return np.stack([cv2.resize(s, (450, 450), interpolation=cv2.INTER_CUBIC) for s in small])


@pytest.fixture(scope="module")
def arrays():
    return random_arrays()


@pytest.fixture(scope="module")
def net(arrays):
    return CAECNN.from_arrays(cae_card(), arrays, "cpu")


def test_learnables_are_the_tables():
    network = fresh_autoencoder(0)
    count = {name: sum(p.numel() for p in network.get_submodule(name).parameters()) for name in
             ("e1", "e2", "e3", "d1", "d2", "d3")}  # fmt: skip
    assert list(count.values()) == [252, 2214, 6588, 6588, 252, 30]
    own, classifier = learnables()
    assert own == sum(count.values()) == 15_924
    assert classifier == sum(p.numel() for p in fresh_classifier(2, 0).parameters()) == 2_703_962


def test_the_papers_count_closes_with_all_taps():
    convolutions = nn.Conv1d(CODE, 40, TAPS, padding="same", device="meta"), nn.Conv1d(40, 80, TAPS, device="meta")
    assert [sum(p.numel() for p in c.parameters()) for c in convolutions] == [86_400_040, 102_480]
    norms = 2 * (40 + 40) + 2 * (80 + 80)
    assert paper_learnables() == 86_400_040 + 102_480 + norms + 162 == 86_503_162


def test_shapes_follow_the_table():
    network = fresh_autoencoder(0)
    with torch.no_grad():
        x = torch.zeros(1, 3, 450, 450)
        assert network.pool(network._layer("e1", x)).shape == (1, 9, 150, 150)
        last = network.encode(x)
        assert last.shape == (1, 27, 50, 50)
        assert last.flatten(1).shape == (1, 67_500)
        first = network.depth_to_space(network._layer("d1", last))
        assert first.shape == (1, 3, 150, 150)
        assert network.depth_to_space(network._layer("d2", first)).shape == (1, 1, 450, 450)
        assert network.decode(last).shape == (1, 3, 450, 450)


class Literal(nn.Module):
    """The paper's classifier as printed, for codes of any width: 1-D convolutions over a sequence of one position."""

    def __init__(self, dense: ClassifierModule, other: float) -> None:
        super().__init__()
        self.dense, taps = dense, (TAPS - 1) // 2  # "same" pads 15 before and 16 after: the 16th tap meets data
        self.convolutions = []
        for layer in (dense.c1, dense.c2):
            c = nn.Conv1d(layer.in_features, layer.out_features, TAPS, padding="same")
            with torch.no_grad():
                c.weight.fill_(other)
                c.weight[:, :, taps] = layer.weight
                c.bias.copy_(layer.bias)
            self.convolutions.append(c)

    def forward(self, code):
        x = code[:, :, None]
        for number, convolution in enumerate(self.convolutions, 1):
            x = convolution(x)
            assert x.shape[2] == 1
            x = torch.relu(self.dense.get_submodule(f"bn{number}")(x[:, :, 0]))
            x = self.dense.get_submodule(f"ln{number}")(x)[:, :, None]
        return self.dense.fc(x.mean(dim=2))  # global average pooling


@pytest.mark.parametrize("other", [0.0, 3.0, -1e4])
def test_the_literal_convolution_ignores_its_other_taps(other):
    dense = fresh_classifier(2, 1).eval()
    dense.c1 = nn.Linear(270, 40)  # the same construction on a code a 250th as wide
    code = torch.from_numpy(np.random.default_rng(0).normal(size=(4, 270)).astype(np.float32))
    with torch.no_grad():
        assert torch.allclose(Literal(dense, other)(code), dense(code), atol=1e-6)


def test_openvino_is_what_runs_on_the_cpu_and_agrees_with_torch(net, arrays, crops):
    pytest.importorskip("openvino")
    assert type(net._forward).__name__ == "CompiledGraph"
    slow = CAEForward(net._own, "cpu")(crops)
    for a, b in zip(net._forward(crops), slow, strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= 1e-4 * max(1, np.abs(b).max())
    assert np.ptp(slow[0], axis=0).min() > 1e-2  # the crops do differ in their logits


def test_the_embedding_is_what_the_last_layer_sees(net, arrays, crops):
    raw = net.run(crops)
    assert raw.embedding.shape == (3, 80)
    np.testing.assert_allclose(raw.embedding @ arrays["fc.weight"].T + arrays["fc.bias"], raw.logits, atol=1e-4)


def test_reconstruction_is_a_picture_and_both_runtimes_agree(net, crops):
    picture = net.reconstruct(crops)
    assert picture.shape == crops.shape
    assert picture.dtype == np.uint8
    (slow,) = CAEForward(net._own, "cpu", reconstructing=True)(crops)
    other = np.rint(np.clip(slow.transpose(0, 2, 3, 1), 0, 1) * 255)
    assert np.abs(picture - other).max() <= 1
    assert picture.std() > 1


@pytest.mark.parametrize("classes", [2, 4])
def test_heat_equals_pytorch_grad_cam(crops, classes):
    """The raw map (weighted sum, ReLU, not rescaled), for every class."""
    import_torchvision()
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    arrays = random_arrays(3, classes)
    heat = CAECNN.from_arrays(cae_card(classes), arrays, "cpu").run(crops, heat=True).heat
    autoencoder, classifier = as_torch(arrays)

    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.classifier = nn.Identity(), classifier

        def forward(self, x):
            return self.classifier(self.last(autoencoder.encode(x)).flatten(1))

    whole, pixels = Whole().eval(), torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    for c in range(classes):
        with GradCAM(model=whole, target_layers=[whole.last]) as cam:
            targets = [ClassifierOutputTarget(c)] * len(crops)
            output = cam.activations_and_grads(pixels)
            sum(t(o) for t, o in zip(targets, output, strict=True)).backward()
            features = cam.activations_and_grads.activations[0].numpy()
            slopes = cam.activations_and_grads.gradients[0].numpy()
            peer = np.maximum(cam.get_cam_image(pixels, whole.last, targets, features, slopes, False), 0)
        assert np.abs(heat[:, c] - peer).max() <= 2e-5
        # and by slopes whose size lets a wrong formula show
        np.testing.assert_allclose(heat[:, c], peer, atol=1e-3 * max(peer.max(), 1e-6))
    assert heat.max() > 0


def test_classes_and_weights_change_the_maps(net, crops):
    heat = net.run(crops, heat=True).heat
    assert np.abs(heat[:, 0] - heat[:, 1]).max() > 0.05 * heat.max()
    other = CAECNN.from_arrays(cae_card(), random_arrays(99), "cpu").run(crops, heat=True).heat
    a, b = heat[:, 0].reshape(len(crops), -1), other[:, 0].reshape(len(crops), -1)
    like = [np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True) if x.std() > 0 and y.std() > 0]
    assert len(like) == 0 or np.mean(like) < 0.7


def test_a_model_saved_and_loaded_says_the_same(net, crops):
    again = CAECNN.from_arrays(net.card, net.arrays(), "cpu")
    a, b = net.run(crops, heat=True), again.run(crops, heat=True)
    assert np.array_equal(a.logits, b.logits)
    assert np.array_equal(a.heat, b.heat)


def test_foreign_arrays_are_refused(arrays):
    for name, wrong in (("e2.bias", np.zeros(26, np.float32)), ("fc.bias", np.full(2, np.nan, np.float32))):
        with pytest.raises(ModelError, match=name.replace(".", r"\.")):
            CAECNN.from_arrays(cae_card(), arrays | {name: wrong}, "cpu")
    with pytest.raises(ModelError, match="one size"):
        CAECNN.from_arrays(make_card(system="cae-cnn"), arrays, "cpu")


def test_a_fit_lowers_both_losses_and_leaves_a_model(crops):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    options = defaults_of(CAECNN, views="1", autoencoder_epochs="3")
    studio, events = kept_aside(ToyStudio(450, cells=6, epochs=3, **options), [0, 3]), []
    studio.draws = 18  # three steps an epoch: which cells are drawn evens out
    arrays = fitted(CAECNN, studio, events).arrays
    torch.set_num_threads(threads)
    pictures = [e for e in events if e.part == "autoencoder"]
    judged = [e for e in events if e.part == "classifier"]
    assert [len(pictures), len(judged)] == [3, 3]
    assert pictures[-1].loss < pictures[0].loss
    assert pictures[-1].accuracy is None
    assert min(e.loss for e in judged[1:]) < judged[0].loss
    assert all(0 <= e.held_out <= 1 for e in judged)
    assert {k: (a.shape, a.dtype.name) for k, a in arrays.items()} == {
        k: (s, "float16" if k in HALVES else "float32") for k, s in shapes(2).items()
    }
    net = CAECNN.from_arrays(cae_card(), arrays, "cpu")
    assert np.isfinite(net.run(crops, heat=True).heat).all()
