"""The branch of the tree in `webui.errors` about the weights.

::

    ModelError                the weights
    ├── UnknownModelError     no such name in the manifest
    ├── ModelMissingError     not fetched yet
    │   └── ModelDirectoryError  what FSMN_VAD_MODEL_DIR names cannot be used
    ├── ModelAlteredError     a file does not have the size or hash of the manifest
    ├── ModelFetchError       no source could deliver it
    └── ModelStoreError       the model store cannot be written to
        └── ModelStoreFullError  its disk is full
"""

from __future__ import annotations

from webui.errors import StudioError


class ModelError(StudioError):
    """Something about the weights."""

    texts = {"en": "Model {model}: {reason}.", "zh": "模型 {model}：{reason_zh}。"}


class UnknownModelError(ModelError):
    """No model of this name stands in the manifest."""

    texts = {
        "en": "There is no model named {model}. Known: {known}.",
        "zh": "没有名为 {model} 的模型。可用：{known}。",
    }


class ModelMissingError(ModelError):
    """The weights have not been fetched yet."""

    texts = {
        "en": "Model {model} is not here yet ({directory}). Fetch it: {command}. "
        "Or name a directory that has it in FSMN_VAD_MODEL_DIR.",
        "zh": "尚未下载模型 {model}（{directory}）。"
        "请运行 {command}，或用 FSMN_VAD_MODEL_DIR 指定模型目录。",
    }


class ModelDirectoryError(ModelMissingError):
    """The directory that the user named for a model does not hold it."""

    texts = {
        "en": "FSMN_VAD_MODEL_DIR is set to {directory}, which cannot be used: {reason}. "
        "Name a directory that has the files of {model}, "
        "or unset the variable to use the model store.",
        "zh": "FSMN_VAD_MODEL_DIR 指定的 {directory} 不可用：{reason_zh}。"
        "请改为含有 {model} 文件的目录，或取消该变量以使用模型存放目录。",
    }


class ModelAlteredError(ModelError):
    """A file of the model does not have the size or hash of the manifest."""

    texts = {
        "en": "{file} of model {model} is not the file that was published (its SHA-256 differs). "
        "Remove and fetch it again: fsmn-vad models remove {model}, "
        "then fsmn-vad models fetch {model}.",
        "zh": "模型 {model} 的文件 {file} 与发布的文件不一致（SHA-256 不同）。"
        "请先运行 fsmn-vad models remove {model}，再运行 fsmn-vad models fetch {model}。",
    }


class ModelFetchError(ModelError):
    """None of the sources could deliver the model."""

    texts = {
        "en": "Model {model} could not be fetched: {reason}. Check the network, "
        "or copy the model directory here and name it in FSMN_VAD_MODEL_DIR.",
        "zh": "无法下载模型 {model}：{reason_zh}。"
        "请检查网络，或把模型目录复制到本机并用 FSMN_VAD_MODEL_DIR 指定。",
    }


class ModelStoreError(ModelError):
    """The directory in which models are kept cannot be written to."""

    texts = {
        "en": "Model {model}: the model store cannot be changed: {reason}. Check the path and "
        "the rights there, or name another directory in FSMN_VAD_MODELS_DIRECTORY.",
        "zh": "模型 {model}：无法更改模型存放目录：{reason_zh}。"
        "请检查路径和权限，或用 FSMN_VAD_MODELS_DIRECTORY 指定其他目录。",
    }


class ModelStoreFullError(ModelStoreError):
    """The disk on which models are kept is full."""

    texts = {
        "en": "Model {model} does not fit: the disk of {directory} is full. Free some space "
        "there, or name a directory on another disk in FSMN_VAD_MODELS_DIRECTORY.",
        "zh": "模型 {model} 无法存放：{directory} 所在的磁盘已满。"
        "请腾出空间，或用 FSMN_VAD_MODELS_DIRECTORY 指定其他磁盘上的目录。",
    }
