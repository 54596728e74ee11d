"""Addresses of the Open Inference Protocol, under /v2."""

from django.urls import path

from serving.api.inference import (
    Inference,
    ModelMetadata,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
)

MODEL = "v2/models/<slug:model>"
VERSION = f"{MODEL}/versions/<int:number>"

urlpatterns = [
    path("v2", ServerMetadata.as_view()),
    path("v2/health/live", ServerLive.as_view()),
    path("v2/health/ready", ServerReady.as_view()),
    path(MODEL, ModelMetadata.as_view()),
    path(VERSION, ModelMetadata.as_view()),
    path(f"{MODEL}/ready", ModelReady.as_view()),
    path(f"{VERSION}/ready", ModelReady.as_view()),
    path(f"{MODEL}/infer", Inference.as_view()),
    path(f"{VERSION}/infer", Inference.as_view()),
]
