"""The study that ferstream grew from, and the figures that it prints."""

from dataclasses import dataclass

SOURCE = (
    'Andrea Gurioli and Mario Sessa, "Facial Emotion Recognition with Vision Transformer (ViT)", University of Bologna, machine '
    "learning project, A.A. 2021/22"
)
RELATED = (
    'Chaudhari, Bhatt, Krishna and Mazzeo, "ViTFER: Facial Emotion Recognition with Vision Transformers", 2022, '
    "https://doi.org/10.3390/asi5040080"
)


@dataclass(frozen=True, slots=True)
class StudyModel:
    """A row of the study's Table 1 (section 7.1): its net by timm's name, and the figures as printed there.

    Accuracies and F1, which is weighted by the classes' faces, are of 4,000 pictures of AffectNet, 500 an emotion.
    """

    name: str
    architecture: str
    parameters: float
    flops: float
    accuracy: float
    accuracy_without_contempt: float
    f1: float


#: Its three transformers are one net, trained in three ways.
STUDY = (
    StudyModel("ViT-B/16/S", "vit_base_patch16_224", 86.5e6, 17.5e9, 0.5225, 0.5489, 0.5184),
    StudyModel("ViT-B/16/SG", "vit_base_patch16_224", 86.5e6, 17.5e9, 0.5242, 0.5591, 0.5169),
    StudyModel("ViT-B/16/SAM", "vit_base_patch16_224", 86.5e6, 17.5e9, 0.5310, 0.5694, 0.5220),
    StudyModel("ResNet-18", "resnet18", 11.7e6, 1.8e9, 0.5005, 0.5277, 0.4943),
)
