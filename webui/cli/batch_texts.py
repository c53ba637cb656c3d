"""What `batch` says, in the user's language."""

from __future__ import annotations

from collections.abc import Mapping

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "about": "Find speech in many recordings. Each gets a result of its own in every --format, "
        "in folders like those of the inputs, and a row in summary.csv. Run again, the same "
        "command goes on where it stopped and does nothing where all is done; other options, "
        "another model or a changed recording are done anew. One bad recording stops nothing.",
        "codes": "Exit codes: 0 all done, 1 some recordings failed (they stand in summary.csv), "
        "2 wrong usage, 130 interrupted. Results hold no timings: doing it again gives the same "
        "bytes.",
        "inputs": "a recording; a folder, with all below it; a Kaldi wav.scp (.scp), a NeMo "
        "manifest (.json, .jsonl, .manifest) or a list of paths (.txt, .lst, .list)",
        "output": "directory of the results; it is made",
        "format": "give it several times for several formats (default: json)",
        "pattern": "of folders, take files like this: *.wav, or train/*.flac from the folder on; "
        "may be given several times (default: the usual endings of audio and video)",
        "exclude": "leave such files out",
        "by_content": "compare recordings with those of before by what is in them; otherwise by "
        "path, size and time of change, which is faster",
        "again": "do all of them anew",
        "overwrite": "replace files in the way of results too that no batch made there; "
        "otherwise nothing is done",
        "workers": "processes (1 to {high}; default: as many as processors and free memory allow)",
        "backend": "where the work is done: processes of this machine, or a Dask cluster "
        "(default: local)",
        "scheduler": "of the Dask cluster: tcp://host:8786",
        "no_inputs": "there are no recordings in what was named",
        "nothing": "nothing to do: all is done already (recordings: {files})",
        "ended": "{done} done, {skipped} were done already, {failed} failed; {audio} of audio in "
        "{spent}, {rate} times real time",
        "local": "recordings: {files}, processes: {workers}, threads of each: {threads}",
        "some": "{left} of {total}",
        "cluster": "recordings: {files}, workers of the cluster: {workers}",
        "progress": "{done}/{total}, {rate}× real time, {left} left",
    },
    "zh": {
        "about": "在大量录音中检测语音。每个录音按每种 --format 各得到一个结果文件，"
        "目录结构与输入相同，并在 summary.csv 中占一行。再次运行同一命令会从中断处继续，"
        "全部完成后则什么也不做；"
        "参数、模型或录音有变化的会重做。个别损坏的录音不影响其余。",
        "codes": "退出码：0 全部完成，1 部分录音失败（见 summary.csv），2 用法错误，130 被中断。"
        "结果中不含耗时，重做得到的字节完全相同。",
        "inputs": "录音；文件夹（含其下全部）；Kaldi wav.scp（.scp）；NeMo 清单（.json、.jsonl、"
        ".manifest）；或路径列表（.txt、.lst、.list）",
        "output": "结果目录，不存在时自动创建",
        "format": "可多次给出以同时写多种格式（默认：json）",
        "pattern": "文件夹中只取符合的文件：*.wav，或从该文件夹算起的 train/*.flac；可多次给出"
        "（默认：常见的音视频扩展名）",
        "exclude": "排除符合的文件",
        "by_content": "按内容判断录音是否变化；默认按路径、大小和修改时间，更快",
        "again": "全部重做",
        "overwrite": "结果的位置上若有并非批处理生成的文件，也一并替换；默认拒绝执行",
        "workers": "进程数（1 到 {high}；默认：按处理器和空闲内存决定）",
        "backend": "在何处执行：本机进程，或 Dask 集群（默认：local）",
        "scheduler": "Dask 集群的调度器：tcp://host:8786",
        "no_inputs": "指定的输入中没有录音",
        "nothing": "无事可做：{files} 个录音均已完成",
        "ended": "完成 {done} 个，此前已完成 {skipped} 个，失败 {failed} 个；"
        "{audio} 的音频用时 {spent}，为实时的 {rate} 倍",
        "local": "{files} 个录音，{workers} 个进程，每个 {threads} 个线程",
        "some": "{left}/{total}",
        "cluster": "{files} 个录音，集群中 {workers} 个 worker",
        "progress": "{done}/{total}，实时的 {rate} 倍，剩余 {left}",
    },
}
